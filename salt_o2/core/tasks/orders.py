"""Compute the orders of each host: one command per host with an order."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState

GOALS = {
    EnvironmentEvent.DEPLOY: TaskState.STANDBY,
    EnvironmentEvent.CONFIGURE: TaskState.CONFIGURED,
    EnvironmentEvent.START_ACTIVITY: TaskState.RUNNING,
    EnvironmentEvent.STOP_ACTIVITY: TaskState.CONFIGURED,
    EnvironmentEvent.RESET: TaskState.STANDBY,
    EnvironmentEvent.RECOVER: TaskState.CONFIGURED,
    EnvironmentEvent.EXIT: TaskState.DONE,
    EnvironmentEvent.GO_ERROR: TaskState.CONFIGURED,
}
"""The state that every task should reach in each transition."""

STABLE_TASK_STATE = {
    EnvironmentState.DEPLOYED: TaskState.STANDBY,
    EnvironmentState.CONFIGURED: TaskState.CONFIGURED,
    EnvironmentState.RUNNING: TaskState.RUNNING,
}
"""The state of every task that takes part, in each stable state of its environment."""
STABLE_STATES = tuple(STABLE_TASK_STATE)

MAY_START = (EnvironmentEvent.DEPLOY, EnvironmentEvent.RECOVER)
MAY_CONFIGURE = (EnvironmentEvent.CONFIGURE, EnvironmentEvent.RECOVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBatch:
    """Tasks that are ordered to the same goal at the same time."""

    goal: TaskState
    tasks: tuple[PlannedTask, ...]
    launch: bool = False
    """Whether the agents may have to start the tasks."""
    properties: bool = False
    """Whether the agents may have to configure the tasks."""
    arguments: dict[str, str] = field(default_factory=dict)
    restart: frozenset[TaskId] = frozenset()
    """Failed tasks of the batch: agents may start and configure them, regardless of the other fields."""


EMPTY_BATCH = OrderBatch(goal=TaskState.DONE, tasks=())


def batch_for(
    event: EnvironmentEvent,
    tasks: Iterable[PlannedTask],
    arguments: dict[str, str],
    restart: Iterable[TaskId] = (),
) -> OrderBatch:
    """Return the batch that moves ``tasks`` in the transition of ``event``."""
    return OrderBatch(
        goal=GOALS[event],
        tasks=tuple(tasks),
        launch=event in MAY_START,
        properties=event in MAY_CONFIGURE,
        arguments=arguments,
        restart=frozenset(() if event is EnvironmentEvent.EXIT else restart),
    )


def commands_for(
    batch: OrderBatch, environment: EnvironmentId, revision: int, timeout_s: float
) -> list[Command]:
    """Return one command per host of ``batch``, in the order in which the hosts occur in it."""
    by_host: dict[HostId, list[Order]] = defaultdict(list)
    for task in batch.tasks:
        by_host[task.host].append(_order(task, batch))
    return [
        Command(
            host=host,
            environment=environment,
            revision=revision,
            goal=batch.goal,
            orders=tuple(orders),
            arguments=batch.arguments,
            timeout_s=timeout_s,
        )
        for host, orders in by_host.items()
    ]


def _order(task: PlannedTask, batch: OrderBatch) -> Order:
    return Order(
        task=task.id,
        launch=task.launch if batch.launch or task.id in batch.restart else None,
        properties=task.properties if batch.properties or task.id in batch.restart else None,
    )
