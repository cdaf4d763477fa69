"""A change of an environment, from its draft: what the pool gets of it, and what its machine is told."""

from dataclasses import replace

from salt_o2.control.environments.service import Control, Held
from salt_o2.control.planning.drafts import Draft, draw
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.pool.pool import Pool


def leaving_some(made: Draft, held: Held, pool: Pool, at: float) -> Draft:
    """Return ``made`` as it is if those that leave ``held`` go to ``pool``, who are well and have room."""
    after = {task.id for task in made.plan.tasks}
    leaving = [task for task in held.environment.model.tasks.transferable() if task.id not in after]
    return replace(made, keep=True, kept=frozenset(pool.admits(leaving, at)))


def modified(
    control: Control,
    made: Draft,
    user: str,
    *,
    drain_s: float = 0.0,
    keep: bool = False,
    may_exclude: tuple[TaskId, ...] | None = None,
) -> Modified:
    """Return the message that carries ``made`` out; nothing may be awaited before it is taken in.

    ``may_exclude`` are the tasks that are excluded if they cannot join; ``None`` means all that change.
    """
    return Modified(
        at=control.clock(),
        request=draw(),
        plan=made.plan,
        excluded=made.excluded,
        user=user,
        drain_s=drain_s,
        keep=keep,
        claimed=tuple(sorted(made.claimed)),
        revision=control.pooling.revision_of(made.claimed),
        may_exclude=may_exclude,
    )


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
