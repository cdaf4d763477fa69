"""Define what an agent reports to control. Values only; they are converted by core/codec.py."""

from dataclasses import dataclass, field

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.bounds import Amount, Port, RunNumber
from salt_o2.core.states import TaskState, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: its exit ``code``, or the ``signal`` number that killed it."""

    code: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        """Return the exit in words."""
        return f"killed by signal {self.signal}" if self.signal else f"exit code {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task is not in the state that was ordered."""

    asked: str
    """The step that failed: ``launch``, or an OCC or FairMQ event."""
    state: str
    """The last state that the device reported, or ``-``."""
    reason: str
    advice: str = ""
    output: tuple[str, ...] = ()
    """The last lines of the process's output."""
    taken_ports: tuple[int, ...] = ()
    """TCP ports that kept the process from starting, and all other ports of the host's ranges that are in use
    by a program that is no task of this agent; empty if the failure has another reason.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """The state of one task, as its agent knows it."""

    task: TaskId
    environment: EnvironmentId
    revision: int
    """The revision of the last order that the agent has for this task."""
    settled: bool
    """Whether the agent has finished that order: the goal is reached, or it failed (see ``failure``)."""
    status: TaskStatus
    state: TaskState
    device_state: str = ""
    """The device's own name of its state, for example ``READY``."""
    announced: str = ""
    """What the device signalled since its last step: ``END_OF_STREAM``, ``TASK_INTERNAL_ERROR``, or none."""
    pid: int | None = None
    started: Amount | None = None
    """When the process started, in seconds since the epoch."""
    exit: Exit | None = None
    killed: bool = False
    """Whether its processes had to be killed by SIGKILL, as they did not end when asked."""
    output: tuple[str, ...] = ()
    """The last lines of output of a successful hook; those of a failure are in ``failure``."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a host offers to placement."""

    address: str
    """The address at which other hosts reach its channels."""
    network: str
    """Hosts with the same value share one space of TCP ports (one machine, one network namespace)."""
    cpus: Amount
    memory_mb: Amount
    attributes: dict[str, str] = field(default_factory=dict)
    """What constraints match: ``machine_id``, ``machine_type``, ``detector`` and the site's own."""
    control_ports: tuple[Port, Port] = (30000, 32767)
    channel_ports: tuple[Port, Port] = (9000, 19999)
    """First and last port that placement may allocate."""
    version: str = ""
    started: Amount = 0.0
    """When the agent started, in seconds since the epoch."""
    directory_key: str = ""
    """A secret of the agent's directory, sent to control alone and never shown.

    An agent with another minion id that knows the secret has the tasks of that directory.
    """
    last_run: RunNumber = 0
    """The highest run number that ever reached this host; control continues from it if its own is lower."""
    master: str = ""
    """The address of the master that the agent follows; ``masters`` are all that its minion knows."""
    masters: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """The host's settings that its agent could not use, one line each."""
    bindable: str = ""
    """``address`` if the machine has it itself, so that channels can bind it; empty if it is a name, or
    another machine translates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The changes on one host since the previous report; a survey has all tasks and the host's facts."""

    host: HostId
    incarnation: str
    """A new one for every start of the agent."""
    sequence: int
    """Grows by one with every report that has tasks; a heartbeat or a bare acknowledgement repeats it."""
    tasks: tuple[TaskReport, ...] = ()
    facts: HostFacts | None = None
    """Present exactly in a survey."""
    accepted: dict[EnvironmentId, int] = field(default_factory=dict)
    """The highest acknowledged revision of each environment whose command is being carried out."""
    faults: tuple[str, ...] = ()
    """The parts of the message that control could not read (core/messages/report_parsing.py); never sent."""


def has_ended(report: TaskReport) -> bool:
    """Return whether the process of an uncontrolled task has run and ended."""
    return report.status is TaskStatus.INACTIVE and report.state in (TaskState.DONE, TaskState.ERROR)


def is_healthy(report: TaskReport) -> bool:
    """Return whether a task has a process, no failure, and is not in ERROR."""
    failed = report.failure is not None or report.state is TaskState.ERROR
    return report.status is TaskStatus.ACTIVE and not failed


def is_idle(report: TaskReport) -> bool:
    """Return whether a healthy task is in STANDBY and has finished its order."""
    return is_healthy(report) and report.settled and report.state is TaskState.STANDBY
