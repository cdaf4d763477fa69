"""What an agent knows of one task and must still know after it was killed.

Saved before it is acted on. Written aside and renamed, so a reader sees the old or the new one whole. Not
synced to the disk: that protects from nothing but a power cut, which no task survives either, and costs a
moment per task and step (docs/decisions/0010-task-files-are-not-synced.md).
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.reports import Exit, Failure, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent, TaskState, TaskStatus
from salt_o2.core.tasks.next_action import CONTROLLED, has_finished_work, is_reached
from salt_o2.linux import atomic_file

log = logging.getLogger(__name__)
CONFIGURED = (TaskState.CONFIGURED, TaskState.RUNNING)
"""The goals on the way to which a process is configured."""


@dataclass(slots=True, kw_only=True)
class TaskRecord:
    """One task: the order it is under, the process it has, and how far it came."""

    task: TaskId
    environment: EnvironmentId
    revision: int = -1
    goal: TaskState = TaskState.STANDBY
    launch: Launch | None = None
    fresh: bool = False
    """The launch came with this order and has not been used yet."""
    properties: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 90.0
    settled: bool = True
    ending: bool = False
    """Signals that end the process may have been sent already: whatever is ordered now, it does not stay."""
    by_hand: bool = False
    """A person has moved the device since the order came: its state is where that person put it."""

    state: TaskState = TaskState.UNKNOWN
    device_state: str = ""
    announced: str = ""
    launched: Launch | None = None
    """What the process was started by."""
    launching: bool = False
    """A process is being started: there may be one that this record does not know."""
    boot: str = ""
    shim: int | None = None
    shim_started: int | None = None
    """The keeper's pid and start time (ticks); both together name it, within one ``boot``."""
    pid: int | None = None
    reported_device_id: int | None = None
    """The pid that the device tells, which is another than ``pid`` in a namespace of pids."""
    started: float | None = None
    exit: Exit | None = None
    killed: bool = False
    """Whether its processes had to be killed by SIGKILL."""
    output: tuple[str, ...] = ()
    failure: Failure | None = None

    configured: dict[str, str] | None = None
    """The properties of the last CONFIGURE, until RESET."""
    channels: list[str] = field(default_factory=list)
    """All that were ever configured in this process: FairMQ never forgets one."""
    remaining_pids: tuple[tuple[int, int], ...] = ()
    """Processes of the task that did not end, not even by SIGKILL: pid and start time of each."""
    recovered: bool = False
    """This was read from the last good copy, so the task may have gone on since."""
    needs_restart: str = ""
    """Why the process is only good for its end, if it is."""

    @property
    def mode(self) -> ControlMode:
        """How the task is driven; basic if that was never said."""
        launch = self.launched or self.launch
        return launch.mode if launch else ControlMode.BASIC

    def apply_order(self, command: Command, order: Order) -> None:
        """Be under ``order`` from now on, and belong to whoever gave it."""
        self.environment = command.environment
        self.revision, self.goal, self.settled = command.revision, command.goal, False
        self.by_hand = False
        self.arguments, self.timeout_s = dict(command.arguments), command.timeout_s
        if order.launch is not None:
            self.launch, self.fresh = order.launch, True
        if order.properties is not None:
            self.properties = dict(order.properties)

    def arguments_for(self, event: TaskEvent) -> dict[str, str]:
        """Return what goes to the device with ``event``."""
        if event is TaskEvent.CONFIGURE:
            return self.properties
        return self.arguments if event in (TaskEvent.START, TaskEvent.STOP) else {}

    def assumed_configuration(self) -> dict[str, str] | None:
        """Return what the process may be configured with, for an agent that has only read this."""
        begun = not self.settled and self.mode in CONTROLLED and self.goal in CONFIGURED
        return dict(self.properties) if begun and self.configured is None else self.configured

    def record_step(self, event: TaskEvent) -> None:
        """Remember that the device has done ``event``."""
        self.announced, self.failure = "", None
        if event is TaskEvent.RESET:
            self.configured = None


def unexplained(known: TaskRecord, *, alive: bool) -> Failure | None:
    """Return the failure of a task that is not where its order wants it, and has none; else None.

    Besides the goal itself there are two good places: where a person has put the device, and the end of a
    program that has done its work.
    """
    code = known.exit.code if known.exit else None
    there = is_reached(known.mode, known.goal, known.state, alive=alive)
    if known.failure or known.by_hand or there:
        return None
    if has_finished_work(known.mode, known.goal, known.state, exit_code=code):
        return None
    if alive:
        reason, advice = f"its process is {known.state}, not {known.goal}", "report this as a defect"
    else:
        reason = f"it has no process, and the order to be {known.goal} does not say how to start one"
        advice = "send an order of a higher revision with a launch"
    return Failure(
        asked=known.goal, state=known.device_state or str(known.state), reason=reason, advice=advice
    )


def report_of(known: TaskRecord, *, alive: bool) -> TaskReport:
    """Say what a task is; a basic one needs no process before RUNNING, and counts as there.

    A report never says that a task has settled elsewhere than at its goal without saying why.
    """
    unsaid = unexplained(known, alive=alive) if known.settled else None
    waits = known.mode not in CONTROLLED and known.state in (TaskState.STANDBY, TaskState.CONFIGURED)
    return TaskReport(
        task=known.task,
        environment=known.environment,
        revision=known.revision,
        settled=known.settled,
        status=TaskStatus.ACTIVE if alive or waits else TaskStatus.INACTIVE,
        state=known.state,
        device_state=known.device_state,
        announced=known.announced,
        pid=known.pid if alive else None,
        started=known.started,
        exit=known.exit,
        killed=known.killed,
        output=known.output,
        failure=known.failure or unsaid,
    )


def save(record: TaskRecord, path: Path) -> None:
    """Write ``record``; see :func:`files.put`.

    Raises:
        OSError: there is no room, or no right to write.
    """
    atomic_file.put(path, msgspec.json.encode(record), keep_last=True)


def load(path: Path) -> TaskRecord | None:
    """Read a record; one that cannot be read is moved aside and logged, and never a reason to stop.

    In its place the last good copy is read, and says so: the task may have gone on since.
    """
    place = path
    if not path.exists() and atomic_file.aside(path).exists():  # killed in the middle of ``save``
        place = atomic_file.aside(path)
    found = _read(place)
    if found is None and (found := _read(atomic_file.last(path))) is not None:
        log.error("task file %s is missing or damaged; using its last good copy", path)
        found.recovered, found.settled, found.fresh = True, True, False
    return found


def _read(path: Path) -> TaskRecord | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=TaskRecord)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        aside = path.with_suffix(".bad")
        log.error("task file %s cannot be read (%s); moved to %s", path, error, aside)
        _move(path, aside)
        return None


def _move(path: Path, aside: Path) -> None:
    try:
        path.replace(aside)
    except OSError as error:
        log.error("%s cannot be moved aside: %s", path, error)
