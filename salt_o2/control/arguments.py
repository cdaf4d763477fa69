"""The arguments of what can be asked of control, one class per verb's needs."""

from dataclasses import dataclass, field

from salt_o2.core.states import EnvironmentEvent

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """``env_create``: the workflow's name, and variables above all that its templates say."""

    workflow: str
    vars: dict[str, Value] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """``env_show``: an environment's id, or the beginning of it."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """``env_list``: also those that have ended, with ``all``."""

    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRuns:
    """``run_stop``: why all runs are to be stopped."""

    reason: str = ""
