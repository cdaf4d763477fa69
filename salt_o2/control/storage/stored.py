"""Environments and runs as the database returns them."""

from dataclasses import dataclass

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.effects import InterruptionEnd
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.recovery.snapshot import Snapshot
from salt_o2.core.states import EnvironmentState, RunEndCause


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEnvironment:
    """An environment as stored; times in seconds since the epoch."""

    id: EnvironmentId
    created: float
    user: str
    overrides: Overrides
    plan: Plan
    snapshot: Snapshot
    ended: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as stored; times in seconds since the epoch."""

    number: int
    environment: EnvironmentId
    started: float
    user: str = ""
    ended: float | None = None
    state: EnvironmentState | None = None
    """The state that the end led to; this and the rest are ``None`` while the run goes on, and if an older
    version recorded the run."""
    cause: RunEndCause | None = None
    by_user: str | None = None
    reason: str | None = None
    failed_roles: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInterruption:
    """A task that did not take part in a run for a time; times in seconds since the epoch."""

    run: int
    since: float
    path: str
    task: TaskId
    class_name: str
    host: HostId
    reason: str
    excluded: bool = False
    until: float | None = None
    """``None`` while it lasts, and if the run ended with it."""
    how: InterruptionEnd | None = None
