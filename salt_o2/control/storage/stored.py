"""Environments and runs as the database returns them."""

from dataclasses import dataclass

from salt_o2.core.ids import EnvironmentId
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.recovery.snapshot import Snapshot


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
