"""Which orders each host gets: one command per host that has something to do."""

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

STANDING = {
    EnvironmentState.DEPLOYED: TaskState.STANDBY,
    EnvironmentState.CONFIGURED: TaskState.CONFIGURED,
    EnvironmentState.RUNNING: TaskState.RUNNING,
}
"""The state of every task that takes part, in each state of its environment."""

MAY_START = (EnvironmentEvent.DEPLOY, EnvironmentEvent.RECOVER)
MAY_CONFIGURE = (EnvironmentEvent.CONFIGURE, EnvironmentEvent.RECOVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Tasks that are ordered to the same goal at the same time."""

    goal: TaskState
    tasks: tuple[PlannedTask, ...]
    launch: bool = False
    """Whether they may have to be started."""
    properties: bool = False
    """Whether they may have to be configured."""
    arguments: dict[str, str] = field(default_factory=dict)
    revive: frozenset[TaskId] = frozenset()
    """Those of them that have failed, and may have to be started and configured whatever the others need."""


def wave_of(
    event: EnvironmentEvent,
    tasks: Iterable[PlannedTask],
    arguments: dict[str, str],
    revive: Iterable[TaskId] = (),
) -> Wave:
    """Return the wave that a transition is for ``tasks``."""
    return Wave(
        goal=GOALS[event],
        tasks=tuple(tasks),
        launch=event in MAY_START,
        properties=event in MAY_CONFIGURE,
        arguments=arguments,
        revive=frozenset(() if event is EnvironmentEvent.EXIT else revive),
    )


def commands(wave: Wave, environment: EnvironmentId, revision: int, timeout_s: float) -> list[Command]:
    """Return the commands that send ``wave`` out, in the order in which hosts come in it."""
    by_host: dict[HostId, list[Order]] = defaultdict(list)
    for task in wave.tasks:
        by_host[task.host].append(_order(task, wave))
    return [
        Command(
            host=host,
            environment=environment,
            revision=revision,
            goal=wave.goal,
            orders=tuple(orders),
            arguments=wave.arguments,
            timeout_s=timeout_s,
        )
        for host, orders in by_host.items()
    ]


def _order(task: PlannedTask, wave: Wave) -> Order:
    return Order(
        task=task.id,
        launch=task.launch if wave.launch or task.id in wave.revive else None,
        properties=task.properties if wave.properties or task.id in wave.revive else None,
    )
