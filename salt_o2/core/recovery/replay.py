"""Replay the history of an environment from its journal: the same core code on the same inputs.

Created and Restarted stand in the journal beside the inputs. Created begins the environment. Restarted marks
where control itself restarted and had only the contents of a snapshot.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    HostRenamed,
    HostSilent,
    Input,
    Modified,
    RecoverTask,
    Requested,
    RescheduleFailed,
    TasksMoved,
    Tick,
)
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery import snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The environment was created, with nothing started."""

    at: float
    plan: Plan
    timeouts: Timeouts
    excluded: dict[TaskId, str] = field(default_factory=dict)
    user: str = ""
    claimed: tuple[TaskId, ...] = ()
    """Tasks of the plan that come from the pool, with their processes."""
    revision: int = 0
    """The highest revision of any order to these tasks: the environment's own orders are above it."""
    overrides: Overrides = field(default_factory=Overrides)
    """The overrides that the plan was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """Control restarted and restored the environment from its snapshot."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondAgent:
    """A second agent reported under the name of a host and was refused: the environment is not affected."""

    at: float
    host: HostId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostForgotten:
    """A user removed a host from control; recorded in the journal of ``HOSTS``, and not replayed."""

    at: float
    host: HostId
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCordoned:
    """A user cordoned or drained a host; recorded in the journal of ``HOSTS``, and not replayed."""

    at: float
    host: HostId
    user: str = ""
    reason: str = ""
    drain: bool = False
    after_runs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostUncordoned:
    """A user ended the cordon of a host; recorded in the journal of ``HOSTS``, and not replayed."""

    at: float
    host: HostId
    user: str = ""


HOSTS = EnvironmentId("hosts")
"""The name under which the journal records events of hosts alone, beside those of environments."""
Entry = Created | Restarted | SecondAgent | Input
Noted = Entry | HostForgotten | HostCordoned | HostUncordoned
"""What a journal records as received; an ``Entry`` can be replayed."""

_MESSAGES = (
    Requested,
    Modified,
    TasksMoved,
    CallEnded,
    RecoverTask,
    HostLost,
    HostSilent,
    HostRenamed,
    RescheduleFailed,
    Tick,
)
_MARKS = (Created, Restarted, SecondAgent)
KINDS: dict[str, type[Entry]] = {kind.__name__: kind for kind in (*_MARKS, *_MESSAGES)}
"""The replayable entries of a journal, by the name under which they are stored."""


def replay(id: EnvironmentId, entries: Iterable[Entry]) -> Environment | None:
    """Return the environment as it was after ``entries``; ``None`` if they do not begin with its creation."""
    environment: Environment | None = None
    for entry in entries:
        if isinstance(entry, Created):
            environment = begin(id, entry)
        elif environment is None:
            return None
        elif isinstance(entry, Restarted):
            known, open_ = snapshot.capture(environment), environment.model.incidents.interrupted
            environment = snapshot.restore(id, environment.model.plan, known, environment.model.timeouts)
            # Control reads them from the record of the run.
            environment.model.incidents.continue_interruptions(open_)
        elif not isinstance(entry, SecondAgent):
            _step(environment, entry)
    return environment


def overrides_after(entries: Iterable[Entry]) -> Overrides:
    """Return the overrides after ``entries``."""
    recorded = [entry.overrides for entry in entries if isinstance(entry, Created | Modified)]
    return next((each for each in reversed(recorded) if each is not None), Overrides())


def begin(id: EnvironmentId, created: Created) -> Environment:
    """Return a new environment."""
    environment = Environment(id, created.plan, created.timeouts)
    environment.model.revision = created.revision
    for task, why in created.excluded.items():
        environment.model.tasks.exclude_task(task, why)
    return environment


def _step(environment: Environment, message: Input) -> None:
    try:
        environment.step(message)
    except O2Error:
        return  # The environment refused this input then, too, and did not change.
