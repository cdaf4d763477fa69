"""Environments and tasks as users see them: the one format of coconut, salt-run and their JSON."""

from collections.abc import Callable
from typing import Any

from salt_o2.control.storage.plan_search import EndedTask
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views.timestamps import iso
from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.failure_text import format_failure
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.core.tasks.incidents import LastFailure
from salt_o2.core.tasks.orders import STABLE_TASK_STATE

Tell = Callable[[PlannedTask, TaskReport | None], dict[str, Any]]


def environment_summary(stored: StoredEnvironment, environment: Environment) -> dict[str, Any]:
    """Return the environment without its tasks and roles."""
    model, tasks = environment.model, environment.model.tasks
    return {
        "id": model.id,
        "state": model.state,
        "run_number": model.run.number,
        "workflow": stored.plan.workflow,
        "revision": stored.plan.revision,
        "created": iso(stored.created),
        "user": stored.user,
        "vars": stored.overrides.vars,
        "error": model.error or None,
        "warnings": list(model.warnings),
        "transition": model.active.event if model.active else None,
        "hosts": list(tasks.hosts),
        "excluded": stored.overrides.exclude,
        "tasks_excluded": tasks.excluded_count,
        "tasks_planned": tasks.planned_count,
        "lost": len(tasks.lost),
        "tasks_total": len(tasks.tasks),
        "unknown": 0,
        "unconfirmed": {},
        "tasks_ready": tasks.count_in(ready_states(environment)),
        "detectors": tasks.detectors_taking_part(),
        "detectors_excluded": tasks.excluded_detectors(),
        "restarts": model.incidents.total_restarts,
        "last_failure": failure_view(model.incidents.last_failure),
        "last_error": {"at": iso(model.last_error.at), "text": model.last_error.text}
        if model.last_error
        else None,
        "since": iso(model.entered.at) if model.entered.at else None,
        "requested_by": (model.active.request.user if model.active else model.entered.user) or None,
    } | _transition_view(environment)


def ready_states(environment: Environment) -> tuple[TaskState, ...]:
    """Return the states of tasks that are ready: where the environment is, or where a transition leads."""
    model = environment.model
    wanted = STABLE_TASK_STATE.get(model.active.target if model.active else model.state)
    return (wanted,) if wanted else (TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING)


def _transition_view(environment: Environment) -> dict[str, Any]:
    """Return the progress of the transition under way; without one all is ``None``."""
    active, wait = environment.model.active, environment.model.wait
    if active is None:
        return {"transition_since": None, "transition_done": None, "transition_total": None}
    return {
        "transition_since": iso(active.since),
        "transition_done": wait.total - len(wait.waiting) if wait and wait.total else None,
        "transition_total": wait.total if wait and wait.total else None,
    }


def failure_view(failure: LastFailure | None) -> dict[str, Any] | None:
    """Return a failure of a task: when, which role and host, why."""
    if failure is None:
        return None
    return {
        "at": iso(failure.at),
        "path": failure.path,
        "host": failure.host,
        "task": failure.task,
        "reason": failure.reason,
    }


def incidents_of(environment: Environment, planned: PlannedTask) -> dict[str, Any]:
    """Return what the environment knows of a task beside its report: exclusion, loss, restarts, failure."""
    model = environment.model
    return {
        "excluded": model.tasks.excluded.get(planned.id),
        "lost": model.tasks.lost.get(planned.id),
        "restarts": model.incidents.restarts.get(planned.path, 0),
        "last_failure": failure_view(model.incidents.failures.get(planned.path)),
        "detector": model.tasks.detectors.get(planned.id),
    }


def environment_view(
    stored: StoredEnvironment, environment: Environment, tell: Tell | None = None
) -> dict[str, Any]:
    """Return the whole environment: its tasks, why some are excluded, and its tree of roles.

    Each role has its state. ``tell`` returns the view of one task; the default is ``task_view``.
    """
    tell = tell or task_view
    members = environment.model.tasks
    return environment_summary(stored, environment) | {
        "tasks": [
            tell(planned, members.reports.get(planned.id)) | incidents_of(environment, planned)
            for planned in members.plan.tasks
        ],
        "roles": members.tree.as_dict(),
    }


def task_view(planned: PlannedTask, report: TaskReport | None) -> dict[str, Any]:
    """Return one task: its planned data and its agent's report. staleness.py adds its age."""
    failure = report.failure if report else None
    state = report.state if report else TaskState.UNKNOWN
    return {
        "id": planned.id,
        "path": planned.path,
        "class": planned.class_name,
        "host": planned.host,
        "pid": report.pid if report else None,
        "status": report.status if report else TaskStatus.INACTIVE,
        "state": state,
        "last_state": state,
        "seen": None,
        "age_s": None,
        "device_state": report.device_state if report else "",
        "critical": planned.critical,
        "error": format_failure(planned, failure) if failure else None,
        "control_port": planned.launch.control_port,
        "command": planned.launch.command_line,
        "started": iso(report.started) if report and report.started else None,
        "uptime_s": None,
        "hook": str(planned.trigger) if planned.trigger else None,
    }


def progress(environment: Environment, at: float) -> dict[str, Any]:
    """Return the progress of the transition under way at time ``at``."""
    model = environment.model
    wait, transition = model.wait, model.active
    done = wait.total - len(wait.waiting) - len(wait.calls) if wait else 0
    return {
        "environment": model.id,
        "state": model.state,
        "transition": transition.event if transition else None,
        "waiting_for": _waiting_for(environment),
        "done": done,
        "total": wait.total if wait else 0,
        "states": {state: count for state, count in model.tasks.tree.tasks.items() if count},
        "elapsed_s": round(max(0.0, at - transition.since), 3) if transition else 0.0,
    }


def _waiting_for(environment: Environment) -> str:
    wait = environment.model.wait
    if wait is None:
        return ""
    if wait.unacknowledged:
        hosts = sorted(wait.unacknowledged)
        return f"host{'s' if len(hosts) > 1 else ''} {', '.join(hosts[:3])}"
    first_call = next(iter(wait.calls), "")
    return next((environment.model.tasks.tasks[task].path for task in wait.waiting), first_call)


def task_details(planned: PlannedTask, report: TaskReport | None) -> dict[str, Any]:
    """Return what ``task_info`` shows of a task beside ``task_view``."""
    return {
        "mode": planned.launch.mode,
        "recovery": planned.recovery,
        "ports": list(planned.ports),
        "exit": str(report.exit) if report and report.exit else None,
        "killed": bool(report and report.killed),
        "output": list(report.failure.output or report.output if report.failure else report.output)
        if report
        else [],
    }


def missing_since(environment: Environment, planned: PlannedTask) -> str | None:
    """Return since when a task is missing in the run under way; ``None`` if it is not."""
    begun = environment.model.incidents.interrupted.get(planned.path)
    return iso(begun.since) if begun else None


def ended_task(found: EndedTask) -> dict[str, Any]:
    """Return a task that no active environment has, as its last report shows it."""
    return task_view(found.planned, found.report) | {
        **task_details(found.planned, found.report),
        "environment": found.environment,
        "workflow": found.workflow,
        "ended": iso(found.ended) if found.ended else None,
    }
