"""Variants of a draft: transfers to the pool, the message to an environment, its destruction."""

from collections.abc import Sequence
from dataclasses import replace

from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.pool.pool import Pool


def departing_tasks(made: PlanDraft, transferable: Sequence[PlannedTask], pool: Pool, at: float) -> PlanDraft:
    """Return ``made`` with its departing tasks of ``transferable`` that ``pool`` has room for."""
    after = {task.id for task in made.plan.tasks}
    leaving = [task for task in transferable if task.id not in after]
    return replace(made, transfers_to_pool=True, stored=frozenset(pool.accepts(leaving, at)))


def modification_of(
    made: PlanDraft,
    user: str,
    *,
    request: str,
    at: float,
    revision: int,
    drain_s: float = 0.0,
    keep: bool = False,
    may_exclude: tuple[TaskId, ...] | None = None,
    reason: str = "",
) -> Modified:
    """Return the message that carries out ``made``; the caller must apply it before it awaits anything.

    ``request`` is a new id, by which the caller waits for the result. ``revision`` is the highest revision of
    the claimed tasks. ``may_exclude`` are the tasks that are excluded if they cannot join; ``None`` means all
    tasks that change.
    """
    return Modified(
        at=at,
        request=request,
        plan=made.plan,
        excluded=made.excluded,
        user=user,
        drain_s=drain_s,
        keep=keep,
        claimed=tuple(sorted(made.claimed)),
        revision=revision,
        may_exclude=may_exclude,
        reason=reason,
    )


def destruction_draft(stored: StoredEnvironment) -> PlanDraft:
    """Return the draft that destroys an environment with all its tasks."""
    plan = stored.plan
    nothing = replace(plan, tasks=(), calls=(), root=replace(plan.root, roles=(), task=None))
    return PlanDraft(
        environment=stored.id, workflow=plan.workflow, overrides=stored.overrides, plan=nothing, previous=plan
    )


def pool_transfer_draft(
    stored: StoredEnvironment, transferable: Sequence[PlannedTask], pool: Pool, at: float
) -> PlanDraft:
    """Return a draft of a destruction that transfers ``transferable`` to ``pool``, as far as it has room."""
    return replace(destruction_draft(stored), stored=frozenset(pool.accepts(transferable, at)))
