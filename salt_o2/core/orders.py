"""Which orders each host gets in each transition: one command per host that has something to do."""

from collections.abc import Collection, Mapping, Sequence

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Command, Order
from salt_o2.core.plan import PlannedTask
from salt_o2.core.states import EnvironmentEvent, TaskState

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

MAY_START = (EnvironmentEvent.DEPLOY, EnvironmentEvent.RECOVER)
MAY_CONFIGURE = (EnvironmentEvent.CONFIGURE, EnvironmentEvent.RECOVER)


def commands(
    event: EnvironmentEvent,
    *,
    environment: EnvironmentId,
    revision: int,
    by_host: Mapping[HostId, Sequence[PlannedTask]],
    wanted: Collection[TaskId],
    arguments: dict[str, str],
    timeout_s: float,
) -> list[Command]:
    """Return the commands that bring the ``wanted`` tasks to the goal of ``event``."""
    result = []
    for host, planned in by_host.items():
        orders = tuple(_order(task, event) for task in planned if task.id in wanted)
        if orders:
            result.append(
                Command(
                    host=host,
                    environment=environment,
                    revision=revision,
                    goal=GOALS[event],
                    orders=orders,
                    arguments=arguments,
                    timeout_s=timeout_s,
                )
            )
    return result


def _order(task: PlannedTask, event: EnvironmentEvent) -> Order:
    return Order(
        task=task.id,
        launch=task.launch if event in MAY_START else None,
        properties=task.properties if event in MAY_CONFIGURE else None,
    )
