"""Environments and tasks as users see them: the one format of coconut, salt-run and their JSON."""

from collections.abc import Callable
from typing import Any

from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views.timestamps import iso
from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.failure_text import format_failure
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState, TaskStatus

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
        "transition": model.active.event if model.active else None,
        "hosts": list(tasks.hosts),
        "excluded": stored.overrides.exclude,
        "tasks_excluded": tasks.excluded_count,
        "tasks_planned": tasks.planned_count,
        "lost": len(tasks.lost),
        "tasks_total": len(tasks.tasks),
        "unknown": 0,
        "unconfirmed": {},
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
            tell(planned, members.reports.get(planned.id))
            | {"excluded": members.excluded.get(planned.id), "lost": members.lost.get(planned.id)}
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
