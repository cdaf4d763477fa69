"""How an environment ends: by which events, and which of its tasks go on to the pool."""

from dataclasses import replace

from salt_o2.control.arguments import Destroy
from salt_o2.control.control import Held
from salt_o2.control.drafts import Draft
from salt_o2.core.errors import IllegalTransition
from salt_o2.core.pool import Pool
from salt_o2.core.states import EnvironmentEvent, EnvironmentState

_E, _S = EnvironmentEvent, EnvironmentState


def events(held: Held, wanted: Destroy) -> tuple[EnvironmentEvent, ...]:
    """Return the events that end an environment as ``wanted``.

    Raises:
        IllegalTransition: if it runs, and nobody has said that it may be stopped.
    """
    state = held.environment.model.state
    if wanted.force:
        return (_E.EXIT,) if state in (_S.ERROR, _S.DONE) else (_E.GO_ERROR, _E.EXIT)
    if state is not _S.RUNNING:
        return (_E.EXIT,)
    if not wanted.allow_in_running_state:
        raise IllegalTransition(f"environment {held.kept.id}", state, "be destroyed", ("STOP_ACTIVITY",))
    return _E.STOP_ACTIVITY, _E.EXIT


def ending(held: Held) -> Draft:
    """Return the draft of the end of an environment and of all its tasks."""
    plan = held.kept.plan
    nothing = replace(plan, tasks=(), calls=(), root=replace(plan.root, roles=(), task=None))
    return Draft(
        environment=held.kept.id, workflow=plan.workflow, shape=held.kept.shape, plan=nothing, old=plan
    )


def handing_over(held: Held, pool: Pool, at: float) -> Draft:
    """Return the draft of the end of an environment that leaves to ``pool`` what is well and has room."""
    return replace(ending(held), kept=frozenset(pool.admits(held.environment.model.tasks.transferable(), at)))
