"""Compare a host's survey with control's data: find lost tasks and orphaned tasks."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import Failure, Report, TaskReport
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.core.tasks.orders import STABLE_TASK_STATE
from salt_o2.core.tasks.participation import Participation

SHOWN = 5
"""Number of tasks that a refusal names."""


def lost_tasks(environment: Environment, survey: Report) -> list[TaskReport]:
    """Return reports of the tasks that ran on the surveyed host and that its agent no longer knows.

    A restarted control has no report of any task. It still knows which tasks must be present: those of an
    environment in a stable state, because each of them reported before the environment reached that state.
    """
    present = {report.task for report in survey.tasks}
    absent = [task for task in environment.model.tasks.on_host(survey.host) if task.id not in present]
    return [
        _lost(environment, task, environment.model.tasks.reports.get(task.id))
        for task in absent
        if _must_be_there(environment, task)
    ]


def split_by_environment(
    environments: Mapping[EnvironmentId, Environment], report: Report, at: float
) -> dict[EnvironmentId, TasksMoved]:
    """Return the part of ``report`` for each environment it concerns; a survey also shows lost tasks.

    Parts that name a revision that the environment never used are dropped, see :func:`never_given`. Parts
    about a task on another host are dropped, too.
    """
    moves: dict[EnvironmentId, list[TaskReport]] = {name: [] for name in report.accepted}
    for task in report.tasks:
        if _is_foreign(environments, report, task):
            continue
        if task.revision <= _last_revision(environments, task.environment):
            moves.setdefault(task.environment, []).append(task)
    if report.facts:
        for name, environment in environments.items():
            if report.host in environment.model.tasks.hosts:
                moves.setdefault(name, []).extend(lost_tasks(environment, report))
    return {
        name: TasksMoved(
            at=at,
            host=report.host,
            reports=tuple(tasks),
            accepted=_believed(report.accepted.get(name, -1), environments[name].model.revision),
        )
        for name, tasks in moves.items()
        if name in environments
    }


def never_given(environments: Mapping[EnvironmentId, Environment], report: Report) -> list[str]:
    """Return a description of the parts of ``report`` with a revision that control never used.

    A host that could name any revision would overrule all later reports of a task: they would count as older.
    Either the host is wrong, or control's store is older than the running tasks.
    """
    wrong = [
        f"task {task.task}: revision {task.revision} of {task.environment} was never sent; ignored"
        for task in report.tasks
        if task.revision > _last_revision(environments, task.environment)
    ]
    acknowledged = [
        f"revision {revision} of {name} was never sent, but is acknowledged; ignored"
        for name, revision in report.accepted.items()
        if revision > _last_revision(environments, name)
    ]
    return wrong + acknowledged


def foreign(environments: Mapping[EnvironmentId, Environment], report: Report) -> str:
    """Return why a part of ``report`` is not believed: it is about tasks of other hosts; empty if not."""
    about = [task.task for task in report.tasks if _is_foreign(environments, report, task)]
    if not about:
        return ""
    shown = ", ".join(about[:SHOWN]) + (", ..." if len(about) > SHOWN else "")
    return f"it reports of {len(about)} tasks that are planned on other hosts ({shown}): ignored"


def _is_foreign(environments: Mapping[EnvironmentId, Environment], report: Report, about: TaskReport) -> bool:
    environment = environments.get(about.environment)
    planned = environment.model.tasks.tasks.get(about.task) if environment else None
    return planned is not None and planned.host != report.host


def stop_commands_for_orphans(
    environments: Mapping[EnvironmentId, Environment], survey: Report, pooled: Container[TaskId] = ()
) -> list[Command]:
    """Return the commands that stop the orphaned tasks of a host, which belong to no environment of control.

    A task that is ``pooled``, or that an environment has claimed, may still have the name of its last owner.
    """
    unknown = [
        report for report in survey.tasks if report.task not in pooled and not _is_ours(environments, report)
    ]
    by_environment: dict[EnvironmentId, list[TaskReport]] = {}
    for report in unknown:
        by_environment.setdefault(report.environment, []).append(report)
    return [_end(survey, environment, reports) for environment, reports in by_environment.items()]


def _last_revision(environments: Mapping[EnvironmentId, Environment], name: EnvironmentId) -> float:
    """Return the last revision that ``name`` used; there is no known bound for other owners."""
    environment = environments.get(name)
    return environment.model.revision if environment is not None else float("inf")


def _believed(accepted: int, last: int) -> int:
    return accepted if accepted <= last else -1


def _must_be_there(environment: Environment, task: PlannedTask) -> bool:
    report = environment.model.tasks.reports.get(task.id)
    if report is not None:
        return report.status is TaskStatus.ACTIVE
    at_rest = environment.model.state in STABLE_TASK_STATE and environment.model.active is None
    return at_rest and not task.trigger and not _is_out(environment, task.id)


def _is_out(environment: Environment, task: TaskId) -> bool:
    """Whether ``task`` takes no part, or is being restarted."""
    part = environment.model.tasks.participation[task]
    return part is not Participation.ACTIVE or task in environment.model.restarts.pending


def _lost(environment: Environment, task: PlannedTask, known: TaskReport | None) -> TaskReport:
    last = known or TaskReport(
        task=task.id,
        environment=environment.model.id,
        revision=environment.model.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.UNKNOWN,
    )
    failure = Failure(
        asked="survey",
        state=last.device_state or last.state,
        reason="its agent no longer knows it",
        advice="the agent's directory was lost: find the process on the host and stop it, then RECOVER",
    )
    return replace(last, settled=True, status=TaskStatus.INACTIVE, state=TaskState.ERROR, failure=failure)


def _is_ours(environments: Mapping[EnvironmentId, Environment], report: TaskReport) -> bool:
    environment = environments.get(report.environment)
    if environment is not None and report.task in environment.model.tasks.tasks:
        return True
    return any(report.task in other.model.tasks.tasks for other in environments.values())


def _end(survey: Report, environment: EnvironmentId, reports: Iterable[TaskReport]) -> Command:
    reports = list(reports)
    return Command(
        host=survey.host,
        environment=environment,
        revision=max(report.revision for report in reports) + 1,
        goal=TaskState.DONE,
        orders=tuple(Order(task=report.task) for report in reports),
        timeout_s=30.0,
    )
