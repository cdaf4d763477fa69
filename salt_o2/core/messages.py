"""What control and agents say to each other. Values only; they travel through core/codec.py.

Level, not edge: an order names the state that its task should reach, may be repeated or lost, and an agent
obeys the highest revision it has seen of each task. A report names the state that a task has; reports of
one agent are numbered, so control sees a gap and asks for a survey.

    control  --Command-->  agent      publish channel, or Salt job o2.deliver: whichever comes first
    control  --Inquiry-->  agent
    agent    --Report--->  control    request channel, one for all that changed in a short window
"""

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.launch import Launch
from salt_o2.core.states import TaskState, TaskStatus

Port = Annotated[int, Meta(ge=1, le=65535)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
"""A finite measurement."""
RunNumber = Annotated[int, Meta(ge=0, le=2**32 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one task should be: ``goal`` is STANDBY, CONFIGURED, RUNNING or DONE."""

    task: TaskId
    launch: Launch | None = None
    """Given when the task may have to be started; the agent keeps it from then on."""
    properties: dict[str, str] | None = None
    """What CONFIGURE pushes; given with a CONFIGURED goal, kept from then on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """All orders of one environment to one host, at one revision."""

    host: HostId
    environment: EnvironmentId
    revision: int
    goal: TaskState
    orders: tuple[Order, ...]
    arguments: dict[str, str] = field(default_factory=dict)
    """What START or STOP pushes to every task (run number, times)."""
    timeout_s: float = 90.0
    """How long each task may take before the agent gives up on it, kills it, and says so."""
    unreadable: dict[TaskId, str] = field(default_factory=dict)
    """Orders that the agent could not read (core/control_messages.py), and why; never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Asks one agent for a survey: a full report of itself and all its tasks."""

    host: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Tells one agent whether control believes it: two may report as one host (core/incarnations.py)."""

    host: HostId
    incarnation: str
    """The agent that is meant; another one of the same name ignores the notice."""
    refused: str = ""
    """Why control refuses it; empty if control believes it."""


Downward = Command | Inquiry | Notice
"""What control says to agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: its exit ``code``, or the ``signal`` number that killed it."""

    code: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        """Say it as a person would."""
        return f"killed by signal {self.signal}" if self.signal else f"exit code {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task is not where it was asked to be."""

    asked: str
    """The step that failed: ``launch``, or an OCC or FairMQ event."""
    state: str
    """What the device last said of its own state, or ``-``."""
    reason: str
    advice: str = ""
    output: tuple[str, ...] = ()
    """The last lines of the process's output."""
    taken_ports: tuple[int, ...] = ()
    """TCP ports that kept the process from starting, and all others of the host's ranges that are in use
    by a program that is no task of this agent; empty if the failure has another reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What one task is, as its agent sees it."""

    task: TaskId
    environment: EnvironmentId
    revision: int
    """The revision of the last order that the agent has for this task."""
    settled: bool
    """Whether the agent is done with that order: the goal is reached, or given up (see ``failure``)."""
    status: TaskStatus
    state: TaskState
    device_state: str = ""
    """The device's own word for it, for example ``READY``."""
    announced: str = ""
    """What the device signalled since its last step: ``END_OF_STREAM``, ``TASK_INTERNAL_ERROR``, or none."""
    pid: int | None = None
    started: Amount | None = None
    """When the process started, in seconds since the epoch."""
    exit: Exit | None = None
    killed: bool = False
    """Whether its processes had to be killed by SIGKILL, as they did not end when asked."""
    output: tuple[str, ...] = ()
    """The last lines that a hook wrote that ended well; those of a failure are in ``failure``."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What a host offers to placement."""

    address: str
    """Where other hosts reach its channels."""
    network: str
    """Hosts with the same value share one space of TCP ports (one machine, one network namespace)."""
    cpus: Amount
    memory_mb: Amount
    attributes: dict[str, str] = field(default_factory=dict)
    """What constraints match: ``machine_id``, ``machine_type``, ``detector`` and the site's own."""
    control_ports: tuple[Port, Port] = (30000, 32767)
    channel_ports: tuple[Port, Port] = (9000, 19999)
    """First and last port that placement may give out."""
    version: str = ""
    started: Amount = 0.0
    """When the agent started, in seconds since the epoch."""
    last_run: RunNumber = 0
    """The highest run number that ever reached this host; control counts on from it if it knows of less."""
    master: str = ""
    """The address of the master that the agent follows; ``masters`` are all that its minion knows."""
    masters: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """What of the host's own settings its agent could not use, one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What changed on one host since the report before; a survey has all tasks and the host's facts."""

    host: HostId
    incarnation: str
    """A new one for every start of the agent."""
    sequence: int
    """One more with every report that has tasks; a heartbeat, or a bare acknowledgement, repeats the last."""
    tasks: tuple[TaskReport, ...] = ()
    facts: HostFacts | None = None
    """Present exactly in a survey."""
    accepted: dict[EnvironmentId, int] = field(default_factory=dict)
    """The highest revision taken in, of each environment whose command is being carried out."""
    faults: tuple[str, ...] = ()
    """What of the message control could not read (core/host_reports.py); never sent."""
