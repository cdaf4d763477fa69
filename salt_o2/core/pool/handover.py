"""How an environment hands tasks over to the pool (core/pool/pool.py), at its end or while it goes on."""

from collections.abc import Sequence

from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.members import Members
from salt_o2.core.messages.effects import Effect, Keep
from salt_o2.core.messages.reports import rests
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.orders import Wave


def still_resting(members: Members, tasks: Sequence[TaskId]) -> tuple[list[TaskId], Wave]:
    """Return who of ``tasks`` rests to the end, and how the others end: they died, or their host is lost."""
    kept: list[TaskId] = []
    others: list[PlannedTask] = []
    for task in tasks:
        if rests(members.reports[task]):
            kept.append(task)
        else:
            others.append(members.tasks[task])
    return kept, Wave(goal=TaskState.DONE, tasks=tuple(others))


def handed_over(
    members: Members, tasks: Sequence[TaskId], environment: EnvironmentId, revision: int, user: str
) -> list[Effect]:
    """Return how ``tasks`` of ``members``, which rest, become the pool's; nothing if there are none.

    ``revision`` is the last that ``environment`` has ordered: the pool's orders are above it.
    """
    if not tasks:
        return []
    left = tuple((members.tasks[task], members.reports[task]) for task in tasks)
    keep = Keep(environment=environment, tasks=tuple(tasks), left=left, revision=revision, user=user)
    return [keep]
