"""The arguments of what can be asked of control, one class per verb's needs."""

from dataclasses import dataclass, field

from salt_o2.core.states import EnvironmentEvent

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bending:
    """How an environment shall be: on top of its templates, or of what it is."""

    vars: dict[str, Value] = field(default_factory=dict)
    """Variables above all that the templates say."""
    scale: dict[str, int] = field(default_factory=dict)
    """How many roles an iterator makes, by the beginning of their names, such as ``epn: 20``."""
    move: dict[str, str] = field(default_factory=dict)
    """Which host the task of a role shall be on, by the role's path."""
    exclude: list[str] = field(default_factory=list)
    """Paths of roles, or detectors, that shall leave the data flow."""
    include: list[str] = field(default_factory=list)
    """Paths of roles, or detectors, that shall come back."""
    reason: str = ""
    allow_all_excluded: bool = False
    """Whether it is meant if no task, or no critical one, takes part any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Bending):
    """``env_create``: the workflow's name, or the token of a plan to apply exactly."""

    workflow: str = ""
    plan: str = ""
    auto: bool = False
    """Whether it starts by itself and ends after its run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify(Bending):
    """``env_modify``: the environment, and how it shall be; or the token of a plan to apply exactly."""

    id: str = ""
    plan: str = ""
    drain_s: float = 0.0
    """How long leaving tasks may go on with what they hold."""
    keep_tasks: bool = False
    """Leave those that leave and are well to the pool, in STANDBY, for environments to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAhead(Bending):
    """``env_plan``: a workflow to create, or an environment to modify or to destroy."""

    workflow: str = ""
    id: str = ""
    destroy: bool = False
    keep_tasks: bool = False
    """With ``id``: leave to the pool what leaves the environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """``env_repeat``: an environment, also an ended one, to create again the same way."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """``run_show``: the number of a run."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """``env_history``, ``env_replay``: an environment, and until when (ISO 8601, or seconds)."""

    id: str
    until: str = ""
    after: int = 0
    """How many lines the asker has already, from the first on."""
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Two:
    """``env_diff``: two environments, or runs by their numbers."""

    left: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """``task_recover``: a failed task to start again now, by its id or the beginning of it."""

    task: str
    environment: str = ""
    """Its environment, if that is known: found quicker, and a wrong one is refused."""
    by_rule: bool = False
    """Keep to the role's policy and budget; otherwise whoever asks begins a new account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLog:
    """``task_log``: a task, and how many of its last lines; or what comes after some places in its output."""

    id: str
    lines: int = 50
    after: dict[str, int] | None = None
    """What an earlier answer had as ``at``: whoever follows wants only what came since."""
    wait_s: float = 0.0
    """How long to wait for something new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """``env_control``."""

    id: str
    event: EnvironmentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """``env_destroy``: by itself it refuses to end a run."""

    id: str
    allow_in_running_state: bool = False
    """Stop the run first, in order."""
    force: bool = False
    """Go through ERROR: do not wait for an orderly stop, nor for a transition under way."""
    keep_tasks: bool = False
    """Leave the tasks that are well to the pool, in STANDBY, for environments to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolClean:
    """``pool_clean``: which tasks of the pool to end; all of them only with ``all``."""

    all: bool = False

    class_name: str = ""
    host: str = ""
    idle_s: float = 0.0
    """For how long they must have waited, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsNamed:
    """``host_returned``: hosts that are back; ``host_forget``: hosts that will not come back."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostsLost:
    """``host_lost``: hosts that somebody takes for lost."""

    hosts: tuple[str, ...]
    sure: bool = False
    """Whether that is known, for example because their power was cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """``env_show``: an environment's id, or the beginning of it."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """``env_list``: also those that have ended, with ``all``."""

    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildWanted:
    """``rebuild``: an unknown environment, or all of them; to be ended instead; the last run number given."""

    id: str = ""
    end: bool = False
    all: bool = False
    """Whether ``end`` without an ``id`` is meant for all of them."""
    last_run: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRuns:
    """``run_stop``: which runs are to be stopped, all of them only with ``all``; and why."""

    numbers: tuple[int, ...] = ()
    all: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """``workflow_check``, ``workflow_generate``: a workflow's name, and variables."""

    workflow: str
    vars: dict[str, Value] = field(default_factory=dict)


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
    """``config_set`` and ``config_import``: the payload goes to exactly this path."""

    path: str
    payload: str
    new_component: bool = False
