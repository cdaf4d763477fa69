"""The run of one environment: its number, its variables, the arguments of START, and the automatic stop."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from salt_o2.core.plan import run_arguments

OF_A_RUN = ("run_number", "run_start_time_ms", "run_end_time_ms", "last_run_number")
"""Variables of a run that hooks learn, also before START has its arguments and after the end of the run."""


@dataclass(slots=True)
class RunLifecycle:
    """The run of an environment, and the variables that the run and calls have set."""

    number: int | None = None
    """The number of the run under way, from the request of START_ACTIVITY to the end of the run."""
    starts: int = 0
    """How many runs the environment has started."""
    stop_at: float | None = None
    """When the run stops automatically, in seconds since the epoch."""
    arguments: dict[str, str] = field(default_factory=dict)
    """The arguments that START pushed to the tasks of the run; a task that joins the run gets the same."""
    variables: dict[str, str] = field(default_factory=dict)
    """Variables that the run and calls have set; they override the plan's."""

    def prepare_start(self, at: float) -> None:
        """Set the variables of the run that starts at ``at``, in seconds since the epoch."""
        number, milliseconds = str(self.number), str(int(at * 1000))
        self.variables |= {"run_number": number, "runNumber": number, "run_start_time_ms": milliseconds}
        self.variables |= {"run_end_time_ms": "", "__fmq_cleanup_count": str(self.starts)}

    def prepare_stop(self, at: float) -> None:
        """Set the end time of the run, if one is under way."""
        if self.number is not None:
            self.variables["run_end_time_ms"] = run_arguments.end_time_ms(self.variables, at)

    def start_arguments(self, planned: Mapping[str, str], at: float) -> dict[str, str]:
        """Store and return the arguments of START; ``planned`` are the plan's variables."""
        if self.number is None:
            return {}
        variables = {**planned, **self.variables}
        self.arguments = run_arguments.start_arguments(variables, self.number, at, self.starts)
        return self.arguments

    def stop_arguments(self, planned: Mapping[str, str], at: float) -> dict[str, str]:
        """Return the arguments of STOP; ``planned`` are the plan's variables."""
        return run_arguments.stop_arguments({**planned, **self.variables}, at)

    def hook_arguments(self) -> dict[str, str]:
        """Return what a hook learns of the run: its variables so far, and the arguments of START."""
        known = {name: self.variables[name] for name in OF_A_RUN if self.variables.get(name)}
        return known | self.arguments

    def mark_started(self, planned: Mapping[str, str], at: float) -> None:
        """Count the start, and set the time of the automatic stop if ``planned`` variables ask for one.

        Raises:
            InvalidRequestError: if the variables name no valid time; the run does not stop automatically
                then.
        """
        self.starts += 1
        self.stop_at = None
        self.stop_at = run_arguments.stop_at({**planned, **self.variables}, at)

    def end(self) -> int | None:
        """End the run; return its number, or ``None`` if no run was under way."""
        number, self.number, self.stop_at, self.arguments = self.number, None, None, {}
        if number is not None:
            self.variables["last_run_number"] = str(number)
            for name in ("run_number", "runNumber"):
                self.variables.pop(name, None)
        return number
