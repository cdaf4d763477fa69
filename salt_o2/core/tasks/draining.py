"""Decide which tasks of an environment leave a host that is drained now, and why the others stay for now.

In a run, only tasks whose role permits a restart (``recovery: restart``) leave the host: their authors accept
that the data of the moment are lost. The other tasks leave after the run. A transition under way ends first.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, allowed_events
from salt_o2.core.tasks.registry import TaskRegistry
from salt_o2.core.tasks.restarts import RestartPolicy

_S = EnvironmentState
RUN_LASTS = "they leave after the run"
IN_TRANSITION = "they leave after the transition under way"
DEPARTING = "they are being stopped"
IN_ERROR = "the environment is in ERROR: recover or destroy it"
BEING_CREATED = "they leave after the environment is created"


@dataclass(frozen=True, slots=True)
class DrainStep:
    """The next step for the tasks of one environment on drained hosts."""

    leaving: tuple[TaskId, ...] = ()
    """Tasks to move now, if another host has room for them."""
    staying: dict[TaskId, str] = field(default_factory=dict)
    """Tasks that stay for now, with the reasons."""


def drain_step(
    tasks: TaskRegistry,
    state: EnvironmentState,
    hosts: Collection[HostId],
    *,
    in_transition: bool,
    after_runs: bool,
) -> DrainStep:
    """Return which tasks leave ``hosts`` now. O(tasks on ``hosts``)."""
    here = [task for host in hosts for task in tasks.on_host(host)]
    staying = {task.id: DEPARTING for task in here if tasks.is_departing(task.id)}
    others = [task for task in here if task.id not in staying]
    if why := _why_all_stay(state, in_transition):
        return DrainStep(staying=staying | {task.id: why for task in others})
    if state is _S.RUNNING:
        may_leave = {
            task.id
            for task in others
            if task.recovery == RestartPolicy.RESTART and not task.trigger and not after_runs
        }
        staying |= {task.id: RUN_LASTS for task in others if task.id not in may_leave}
    return DrainStep(tuple(task.id for task in others if task.id not in staying), staying)


def _why_all_stay(state: EnvironmentState, in_transition: bool) -> str:
    if state is _S.ERROR:
        return IN_ERROR
    if EnvironmentEvent.MODIFY not in allowed_events(state):
        return BEING_CREATED
    return IN_TRANSITION if in_transition else ""
