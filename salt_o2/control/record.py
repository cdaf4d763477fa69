"""An environment and its tasks as users see them: the one shape of coconut, salt-run and their JSON."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from salt_o2.control.hosts import Hosts
from salt_o2.control.store import Kept
from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages import TaskReport
from salt_o2.core.plan import PlannedTask
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.core.story import tell_failure

if TYPE_CHECKING:
    from salt_o2.control.control import Held


Tell = Callable[[PlannedTask, TaskReport | None], dict[str, Any]]


def summary(kept: Kept, environment: Environment) -> dict[str, Any]:
    """Return the environment without its tasks and roles."""
    model, tasks = environment.model, environment.model.tasks
    return {
        "id": model.id,
        "state": model.state,
        "run_number": model.run.number,
        "workflow": kept.plan.workflow,
        "revision": kept.plan.revision,
        "created": iso(kept.created),
        "user": kept.user,
        "vars": kept.shape.vars,
        "error": model.error or None,
        "transition": model.active.event if model.active else None,
        "hosts": list(tasks.hosts),
        "excluded": kept.shape.exclude,
        "tasks_excluded": tasks.excluded_count,
        "tasks_planned": tasks.planned_count,
        "lost": len(tasks.lost),
        "tasks_total": len(tasks.tasks),
        "unknown": 0,
        "unconfirmed": {},
    }


def full(kept: Kept, environment: Environment, tell: Tell | None = None) -> dict[str, Any]:
    """Return the whole environment: its tasks, why some take no part, and its roles as a tree with states.

    ``tell`` tells of one task; ``task`` below if it is left out.
    """
    tell = tell or task
    members = environment.model.tasks
    return summary(kept, environment) | {
        "tasks": [
            tell(planned, members.reports.get(planned.id))
            | {"excluded": members.excluded.get(planned.id), "lost": members.lost.get(planned.id)}
            for planned in members.plan.tasks
        ],
        "roles": members.tree.as_dict(),
    }


def task(planned: PlannedTask, report: TaskReport | None) -> dict[str, Any]:
    """Return one task: what it should be and what its agent says it is. freshness.py adds its age."""
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
        "error": tell_failure(planned, failure) if failure else None,
        "control_port": planned.launch.control_port,
        "command": planned.launch.command_line,
        "started": iso(report.started) if report and report.started else None,
    }


def progress(environment: Environment, at: float) -> dict[str, Any]:
    """Return how far the transition under way has come at time ``at``."""
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


def hosts(
    known: Hosts, held: Mapping[EnvironmentId, "Held"], at: float, refusals: Mapping[HostId, str]
) -> list[dict[str, Any]]:
    """Return every host ever heard of: what it offers, how many tasks it has, when it last reported.

    ``refusals`` says of a host which messages under its name were refused.
    """
    counts = Counter(task.host for each in held.values() for task in each.kept.plan.tasks)
    return [
        {
            "id": name,
            "status": host.presence,
            "address": host.facts.address if host.facts else None,
            "attributes": host.facts.attributes if host.facts else {},
            "cpus": host.facts.cpus if host.facts else None,
            "memory_mb": host.facts.memory_mb if host.facts else None,
            "version": host.facts.version if host.facts else None,
            "tasks": counts[name],
            "seen": iso(host.last_seen),
            "last_seen_s": round(max(0.0, at - host.last_seen), 3),
            "faults": [*host.faults, *([refusals[name]] if name in refusals else [])],
        }
        for name, host in sorted(known.known.items())
    ]


def iso(at: float) -> str:
    """Return a time in seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
