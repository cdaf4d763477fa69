"""How an environment hands tasks over to the pool (core/pool.py), at its end or while it goes on."""

from collections.abc import Sequence

from salt_o2.core.effects import Effect, Keep
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.members import Members


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
