"""Transfer tasks of an environment to the pool (core/pool/pool.py), at its end or while it continues."""

from collections.abc import Sequence

from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.effects import Effect, TransferToPool
from salt_o2.core.messages.reports import is_idle
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.orders import OrderBatch
from salt_o2.core.tasks.registry import TaskRegistry


def split_idle(registry: TaskRegistry, tasks: Sequence[TaskId]) -> tuple[list[TaskId], OrderBatch]:
    """Return the ``tasks`` that are still idle, and the batch that stops the failed ones."""
    idle: list[TaskId] = []
    others: list[PlannedTask] = []
    for task in tasks:
        if is_idle(registry.reports[task]):
            idle.append(task)
        else:
            others.append(registry.tasks[task])
    return idle, OrderBatch(goal=TaskState.DONE, tasks=tuple(others))


def transfer_to_pool(
    registry: TaskRegistry, tasks: Sequence[TaskId], environment: EnvironmentId, revision: int, user: str
) -> list[Effect]:
    """Return the effect that transfers idle ``tasks`` to the pool; nothing if there are none.

    ``revision`` is the last revision that ``environment`` has ordered: the pool's orders are above it.
    """
    if not tasks:
        return []
    transferred = tuple((registry.tasks[task], registry.reports[task]) for task in tasks)
    return [
        TransferToPool(
            environment=environment, tasks=tuple(tasks), left=transferred, revision=revision, user=user
        )
    ]
