"""What of an environment must survive a restart of control, and how it is brought back.

The tasks' own states are not part of it: the agents own them and tell them again.
"""

from dataclasses import dataclass

from salt_o2.core.effects import Requested, Timeouts
from salt_o2.core.environment import Environment
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.plan import Plan
from salt_o2.core.states import EnvironmentEvent, EnvironmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The part of an environment that control owns, beside its plan."""

    state: EnvironmentState
    revision: int
    run_number: int | None = None
    starts: int = 0
    error: str = ""
    pending: tuple[EnvironmentEvent, ...] = ()
    """The transition under way, and those to follow."""
    undo: bool = False
    asked_by: str = ""


def take(environment: Environment) -> Snapshot:
    """Return what must be kept of ``environment``."""
    request = environment.wait.request if environment.wait else None
    return Snapshot(
        state=environment.state,
        revision=environment.revision,
        run_number=environment.run_number,
        starts=environment.starts,
        error=environment.error,
        pending=request.events if request else (),
        undo=request.undo if request else False,
        asked_by=request.user if request else "",
    )


def restore(
    id: EnvironmentId, plan: Plan, snapshot: Snapshot, timeouts: Timeouts | None = None
) -> Environment:
    """Return the environment as it was; its pending transition is asked for by ``resume``."""
    environment = Environment(id, plan, timeouts)
    environment.state = snapshot.state
    environment.revision = snapshot.revision
    environment.run_number = snapshot.run_number
    environment.starts = snapshot.starts
    environment.error = snapshot.error
    return environment


def resume(snapshot: Snapshot, at: float) -> Requested | None:
    """Return the request that takes up the transition that was interrupted, if there was one."""
    if not snapshot.pending:
        return None
    return Requested(
        at=at,
        request="",
        events=snapshot.pending,
        user=snapshot.asked_by,
        run_number=snapshot.run_number,
        undo=snapshot.undo,
        reason="control was restarted",
    )
