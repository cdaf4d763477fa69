"""The arguments of requests to control, one class for each set of verbs, and the types of handlers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from salt_o2.core.states import EnvironmentEvent, RunEndCause

NotNegative = Annotated[float, Meta(ge=0)]
"""Seconds, 0 or more."""
Value = str | int | float | bool | None
Progress = Callable[[dict[str, Any]], None]
"""Called with each step of the work on a request."""
Verbs = dict[str, tuple[type[Any], Callable[..., Awaitable[Any]]]]
"""The verbs of a request handler: the class of the arguments, and the method that serves the verb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bending:
    """Changes of an environment, on top of its templates or of its current overrides."""

    vars: dict[str, Value] = field(default_factory=dict)
    """Variables that override all variables of the templates."""
    scale: dict[str, int] = field(default_factory=dict)
    """The number of roles that an iterator makes, by the prefix of their names, such as ``epn: 20``."""
    move: dict[str, str] = field(default_factory=dict)
    """The host of a role's task, by the role's path."""
    exclude: list[str] = field(default_factory=list)
    """Paths of roles, or detectors, to exclude from the data flow."""
    include: list[str] = field(default_factory=list)
    """Paths of roles, or detectors, to include again."""
    reason: str = ""
    allow_all_excluded: bool = False
    """Whether the environment may be left without tasks, or without critical ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Bending):
    """``env_create``: the workflow's name, or the token of a plan to apply exactly."""

    workflow: str = ""
    plan: str = ""
    auto: bool = False
    """Whether the environment starts automatically and ends after its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify(Bending):
    """``env_modify``: the environment and its changes, or the token of a plan to apply exactly."""

    id: str = ""
    plan: str = ""
    drain_s: NotNegative = 0.0
    """Seconds that departing tasks may continue to process the data they hold."""
    keep_tasks: bool = False
    """Transfer healthy departing tasks to the pool in STANDBY. Later environments reuse them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAhead(Bending):
    """``env_plan``: a workflow to create, or an environment to modify or to destroy."""

    workflow: str = ""
    id: str = ""
    destroy: bool = False
    keep_tasks: bool = False
    """With ``id``: transfer departing tasks to the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """``env_repeat``: an environment, active or ended, to create again the same way."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """``run_show``: the number of a run."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """``run_list``: the last runs that fit all that is given."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 100
    workflow: str = ""
    """A pattern, as of the shell."""
    state: str = ""
    """RUNNING, or the state that the end led to."""
    end: RunEndCause | None = None
    since: str = ""
    """Runs that have not ended before this time (ISO 8601, seconds, or a time of day)."""
    until: str = ""
    """Runs that have started until this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """``env_history``, ``env_replay``: an environment and an end time (ISO 8601, or seconds)."""

    id: str
    until: str = ""
    after: int = 0
    """The number of lines that the client has already, from the first on."""
    limit: int = 1000
    """The number of lines, the last ones."""
    effects_only: bool = False
    """Whether reports, ticks and answers are left out, so that ``limit`` counts the other lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """``env_diff``: two environments, or runs by their numbers."""

    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """``task_list``: the tasks that fit all that is given; patterns are those of the shell."""

    environment: str = ""
    host: str = ""
    state: str = ""
    """A state, or EXCLUDED, LOST or FAILED."""
    role: str = ""
    """A pattern of the role's path."""
    class_name: str = ""
    """A pattern of the class."""
    detector: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTask:
    """``task_info``, ``task_kill``: a task by its id, a prefix of it, or the path of its role."""

    task: str
    environment: str = ""
    """Its environment, if several have a role of this path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """``task_recover``: a failed task to restart now, by its id, a prefix of it, or the path of its role."""

    task: str
    environment: str = ""
    """Its environment, if known: the search is faster, and a wrong environment is refused."""
    by_rule: bool = False
    """Respect the role's restart policy and budget; otherwise the request resets the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLog:
    """``task_log``: a task, and the number of last lines or the positions from which to read its output."""

    id: str
    environment: str = ""
    lines: int = 50
    after: dict[str, int] | None = None
    """``at`` of an earlier answer: a client that follows the output needs only later output."""
    wait_s: float = 0.0
    """Seconds to wait for new output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """``watch``: changes of the site, or of one environment, later than a revision."""

    environment: str = ""
    """An environment's id, or a prefix of it; the whole site if it is empty."""
    epoch: str = ""
    """``epoch`` of the last answer; empty to read all."""
    since: Annotated[int, Meta(ge=0)] = 0
    """``revision`` of the last answer."""
    wait_s: Annotated[float, Meta(ge=0, le=30)] = 0.0
    """Seconds to wait for a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """``env_control``."""

    id: str
    event: EnvironmentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """``env_destroy``: without options it refuses to end a run."""

    id: str
    allow_in_running_state: bool = False
    """Stop the run first, in order."""
    force: bool = False
    """Go through ERROR: wait neither for an orderly stop nor for a transition under way."""
    keep_tasks: bool = False
    """Transfer healthy tasks to the pool in STANDBY. Later environments reuse them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolClean:
    """``pool_clean``: the tasks of the pool to stop; all of them only with ``all``."""

    all: bool = False

    class_name: str = ""
    host: str = ""
    idle_s: NotNegative = 0.0
    """Seconds that the tasks must have been in the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsNamed:
    """``host_returned``: hosts that are back; ``host_forget``: hosts that will not come back."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsCordoned(HostsNamed):
    """``host_cordon``: hosts that get no new task, and the reason."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsDrained(HostsCordoned):
    """``host_drain``: hosts that get no new task and whose tasks are moved to other hosts."""

    after_runs: bool = False
    """Whether tasks of a run are moved only after the run, also those whose role permits a restart."""
    wait_s: Annotated[float, Meta(ge=0, le=604_800)] = 0.0
    """Seconds to wait until no task is left on the hosts; 0: only until the possible moves are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsLost:
    """``host_lost``: hosts that the user considers lost."""

    hosts: tuple[str, ...]
    sure: bool = False
    """Whether the loss is certain, for example because the hosts' power was cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """``env_show``: an environment's id, or a prefix of it."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """``env_list``: with ``all`` also ended environments."""

    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildWanted:
    """``rebuild``: one or all unrecognised environments, to rebuild or to end; the last run number given."""

    id: str = ""
    end: bool = False
    all: bool = False
    """Whether ``end`` without an ``id`` applies to all of them."""
    last_run: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHosts:
    """``host_info``, ``host_audit``: exact IDs of hosts, and the seconds that each agent may take."""

    hosts: tuple[str, ...]
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHostTasks(AskHosts):
    """``host_tasks``, ``host_records``: only tasks of this environment."""

    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHostLog(AskHosts):
    """``host_log``: the last ``lines`` of the output of a task."""

    task: str
    lines: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KillTasks(AskHosts):
    """``host_kill``: tasks by name."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTasks(KillTasks):
    """``host_transition``: an event for tasks, with its arguments."""

    event: str
    arguments: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRuns:
    """``run_stop``: the runs to stop, all of them only with ``all``; and the reason."""

    numbers: tuple[int, ...] = ()
    all: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """``workflow_check``, ``workflow_generate``: a workflow's name, and variables."""

    workflow: str
    vars: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowWorkflow:
    """``workflow_show``: a workflow's name, also with ``@revision``."""

    workflow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand(Named):
    """``workflow_expand``."""

    variables: bool = False
    origins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Named):
    """``workflow_graph``: as ``svg`` or ``mermaid``."""

    format: str = "svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """``config_show``: the path of an entry; ``simulate`` fills it in with ``vars``."""

    path: str
    simulate: bool = False
    vars: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """``config_list``: the entries of one component, or of all."""

    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """``config_set`` and ``config_import``: the payload is written to exactly this path."""

    path: str
    payload: str
    new_component: bool = False
