"""The record of one task: all that the agent must still know after it was killed.

The record is saved before the agent acts on it. It is written to another file and renamed, so a reader sees
the old or the new record completely. It is not synced to the disk: a sync protects only from a power cut,
which no task survives either, and costs a moment per task and step
(docs/decisions/0010-task-files-are-not-synced.md).
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
    """One task: its present order, its process, and its progress."""

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
    """Signals that end the process may have been sent already: the process ends, whatever is ordered now."""
    moved_by_user: bool = False
    """A user has moved the device since the order arrived: the user set the present state."""

    state: TaskState = TaskState.UNKNOWN
    device_state: str = ""
    announced: str = ""
    launched: Launch | None = None
    """The launch that started the process."""
    launching: bool = False
    """A process is being started: a process may exist that this record does not name."""
    boot: str = ""
    shim: int | None = None
    shim_started: int | None = None
    """The shim's pid and start time (ticks); both together identify it, within one ``boot``."""
    pid: int | None = None
    reported_device_id: int | None = None
    """The pid that the device reports, which differs from ``pid`` in a namespace of pids."""
    started: float | None = None
    exit: Exit | None = None
    killed: bool = False
    """Whether the task's processes had to be killed by SIGKILL."""
    output: tuple[str, ...] = ()
    failure: Failure | None = None

    configured: dict[str, str] | None = None
    """The properties of the last CONFIGURE, until RESET."""
    channels: list[str] = field(default_factory=list)
    """All channels that were ever configured in this process: FairMQ never forgets one."""
    remaining_pids: tuple[tuple[int, int], ...] = ()
    """Processes of the task that did not end, not even by SIGKILL: pid and start time of each."""
    recovered: bool = False
    """The record was read from the last good copy, so the task may have moved since."""
    needs_restart: str = ""
    """Why the process can only be ended and needs a restart; empty if it does not."""

    @property
    def mode(self) -> ControlMode:
        """The control mode of the task; basic if no launch has set it."""
        launch = self.launched or self.launch
        return launch.mode if launch else ControlMode.BASIC

    def apply_order(self, command: Command, order: Order) -> None:
        """Apply ``order`` from now on, and belong to the environment of ``command``."""
        self.environment = command.environment
        self.revision, self.goal, self.settled = command.revision, command.goal, False
        self.moved_by_user = False
        self.arguments, self.timeout_s = dict(command.arguments), command.timeout_s
        if order.launch is not None:
            self.launch, self.fresh = order.launch, True
        if order.properties is not None:
            self.properties = dict(order.properties)

    def arguments_for(self, event: TaskEvent) -> dict[str, str]:
        """Return the arguments that go to the device with ``event``."""
        if event is TaskEvent.CONFIGURE:
            return self.properties
        return self.arguments if event in (TaskEvent.START, TaskEvent.STOP) else {}

    def assumed_configuration(self) -> dict[str, str] | None:
        """Return the likely configuration of the process, for an agent that has only read this record."""
        is_under_way = not self.settled and self.mode in CONTROLLED and self.goal in CONFIGURED
        return dict(self.properties) if is_under_way and self.configured is None else self.configured

    def record_step(self, event: TaskEvent) -> None:
        """Record that the device has done ``event``."""
        self.announced, self.failure = "", None
        if event is TaskEvent.RESET:
            self.configured = None


def unexplained(known: TaskRecord, *, alive: bool) -> Failure | None:
    """Return the failure of a task that is not at its goal and has no failure; else None.

    Two other states are valid: the state that a user has set, and the end of a program that has done its
    work.
    """
    code = known.exit.code if known.exit else None
    is_at_goal = is_reached(known.mode, known.goal, known.state, alive=alive)
    if known.failure or known.moved_by_user or is_at_goal:
        return None
    if has_finished_work(known.mode, known.goal, known.state, exit_code=code):
        return None
    if alive:
        reason, advice = f"its process is {known.state}, not {known.goal}", "report this as a defect"
    else:
        reason = f"it has no process, and the order to be {known.goal} has no launch"
        advice = "send an order of a higher revision with a launch"
    return Failure(
        asked=known.goal, state=known.device_state or str(known.state), reason=reason, advice=advice
    )


def report_of(known: TaskRecord, *, alive: bool) -> TaskReport:
    """Return the report of a task; a basic task needs no process before RUNNING to be at its goal.

    A report of a task that has settled elsewhere than at its goal always contains the reason.
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
    """Write ``record``; see :func:`atomic_file.put`.

    Raises:
        OSError: the disk has no room, or the agent may not write.
    """
    atomic_file.put(path, msgspec.json.encode(record), keep_last=True)


def load(path: Path) -> TaskRecord | None:
    """Read a record; move an unreadable one aside and log it, and never raise because of it.

    The last good copy is read instead and marked as such: the task may have moved since.
    """
    place = path
    # The agent was killed in the middle of ``save``.
    if not path.exists() and atomic_file.aside(path).exists():
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
