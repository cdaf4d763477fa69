"""Reconstruct environments from the task records of agents, after the loss of control's store.

The records of agents suffice to stop a run in order, to restart tasks and to end all of them: commands,
properties, the run. Only templates and users have the rest, which is lost: variables, calls, and overrides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.recovery.snapshot import Snapshot
from salt_o2.core.states import EnvironmentState, TaskState
from salt_o2.core.tasks.orders import STABLE_TASK_STATE
from salt_o2.core.tasks.restarts import RestartPolicy

NO_REVISION = "rebuilt"
STABLE_ENVIRONMENT_STATE = {task: environment for environment, task in STABLE_TASK_STATE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTaskRecord:
    """The record of one task on its agent's disk."""

    task: TaskId
    environment: EnvironmentId
    host: HostId
    revision: int
    state: TaskState
    launch: Launch
    properties: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)


def reconstruct(found: Sequence[AgentTaskRecord]) -> tuple[Plan, Snapshot]:
    """Return plan and snapshot of the environment whose tasks are ``found``, at least one."""
    remaining = [each for each in found if each.state is not TaskState.DONE] or list(found)
    tasks = tuple(_planned(each) for each in sorted(remaining, key=_path))
    root = _tree(tasks)
    run_number = _run_number(remaining)
    state, error = _state(remaining)
    plan = Plan(workflow=root.name, revision=NO_REVISION, root=root, tasks=tasks)
    return plan, Snapshot(
        state=state,
        revision=max(each.revision for each in found),
        run_number=run_number if state is EnvironmentState.RUNNING else None,
        starts=1 if run_number is not None else 0,
        error=error,
        arguments=dict(remaining[0].arguments),
    )


def last_run(found: Iterable[AgentTaskRecord]) -> int:
    """Return the highest run number that any task was started with; 0 without one."""
    numbers = (each.arguments.get("run_number", "") for each in found)
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _path(each: AgentTaskRecord) -> str:
    """Return the path of its role; a task of a version that recorded no paths is below the root."""
    return each.launch.path or f"{each.environment}.{each.task}"


def _planned(each: AgentTaskRecord) -> PlannedTask:
    launch = each.launch
    control = () if launch.control_port is None else (launch.control_port,)
    return PlannedTask(
        id=each.task,
        path=_path(each),
        class_name=launch.class_name or each.task,
        host=each.host,
        critical=launch.critical,
        launch=launch,
        properties=dict(each.properties),
        ports=(*control, *launch.ports),
        recovery=RestartPolicy.RESTART,
        ends_data=launch.ends_data,
    )


def _tree(tasks: Sequence[PlannedTask]) -> PlannedRole:
    leaves = {task.path: task.id for task in tasks}
    root = tasks[0].path.partition(".")[0]
    return _role(root, leaves)


def _role(path: str, leaves: dict[str, TaskId]) -> PlannedRole:
    below = [leaf for leaf in leaves if leaf.startswith(f"{path}.")]
    names = dict.fromkeys(leaf.removeprefix(f"{path}.").partition(".")[0] for leaf in below)
    return PlannedRole(
        name=path.rpartition(".")[2],
        path=path,
        roles=tuple(_role(f"{path}.{name}", leaves) for name in names),
        task=leaves.get(path),
    )


def _run_number(remaining: Sequence[AgentTaskRecord]) -> int | None:
    return last_run(remaining) or None


def _state(remaining: Sequence[AgentTaskRecord]) -> tuple[EnvironmentState, str]:
    """Return the state of the environment: that of all of its critical tasks, or ERROR with the reason."""
    states = {each.state for each in remaining if each.launch.critical} or {each.state for each in remaining}
    if len(states) == 1 and (state := next(iter(states))) in STABLE_ENVIRONMENT_STATE:
        return STABLE_ENVIRONMENT_STATE[state], ""
    names = ", ".join(sorted(states))
    return EnvironmentState.ERROR, f"rebuilt from tasks that are {names}: RECOVER it, or destroy it"
