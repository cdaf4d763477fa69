"""Ages of the states that users see; a state that is too old is shown as UNKNOWN.

The age of a task's state is the time since its host's agent last confirmed that no report is missing: each
heartbeat confirms it. A state older than the bound of silence is shown as UNKNOWN, with the last known state.
This concerns only the view: the state machine of an environment continues with the last known states, and
acts when a host is lost, see core/recovery/host_liveness.py.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from salt_o2.control.environments.active import ActiveEnvironment
from salt_o2.control.hosts.host_table import HostEntry, HostTable
from salt_o2.control.views import environment_view, timestamps
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.states import TaskState

Plain = dict[str, Any]

NEVER = "its agent has not reported since control was started"
MISSED = "a report of its agent is missing"
WHY = {
    HostStatus.ACTIVE: MISSED,
    HostStatus.EXPECTED: NEVER,
    HostStatus.SILENT: "its agent does not report, but its processes answer",
    HostStatus.LOST: "it is lost",
}


@dataclass(frozen=True, slots=True)
class HostAge:
    """The age of the known states of one host's tasks."""

    seen: str | None
    """When they were last confirmed, in ISO 8601; ``None`` if not since control was started."""
    age_s: float | None
    stale_reason: str
    """Why they are stale; empty if they are not."""


class StalenessView:
    """The view of active environments and their tasks at one moment."""

    def __init__(self, hosts: HostTable, at: float) -> None:
        """Show states as ``hosts`` have confirmed them, with their ages at ``at``."""
        self._hosts, self._at = hosts, at
        self._ages: dict[HostId, HostAge] = {}

    def host_age(self, host: HostId) -> HostAge:
        """Return the age of the known states of the tasks on ``host``."""
        if host not in self._ages:
            self._ages[host] = self._age(host, self._hosts.known.get(host))
        return self._ages[host]

    def _age(self, host: HostId, known: HostEntry | None) -> HostAge:
        if known is None or known.confirmed_at is None:
            return HostAge(None, None, WHY[known.presence] if known else NEVER)
        age_s = max(0.0, self._at - known.confirmed_at)
        old = self._hosts.is_old(host, self._at)
        why = f"{WHY[known.presence]}; last known {age_s:.0f} s ago" if old else ""
        return HostAge(timestamps.iso(known.confirmed_at), round(age_s, 3), why)

    def task(self, planned: PlannedTask, report: TaskReport | None) -> Plain:
        """Return one task as users see it, with the age of its state."""
        age, shown = self.host_age(planned.host), environment_view.task_view(planned, report)
        last = shown["state"]
        state = TaskState.UNKNOWN if age.stale_reason else last
        begun = report.started if report and report.pid else None
        uptime_s = round(max(0.0, self._at - begun), 1) if begun else None
        known = {"state": state, "last_state": last, "seen": age.seen, "age_s": age.age_s}
        return shown | known | {"uptime_s": uptime_s}

    def task_of(self, target: ActiveEnvironment, planned: PlannedTask) -> Plain:
        """Return one task of an environment as users see it, with its restarts and failures."""
        environment = target.environment
        shown = self.task(planned, environment.model.tasks.reports.get(planned.id))
        incidents = environment_view.incidents_of(environment, planned)
        return shown | incidents | {"environment": target.stored.id}

    def environment_summary(self, target: ActiveEnvironment) -> Plain:
        """Return an environment without its tasks and roles, and the number of unknown tasks."""
        unknown = self._unknown(target)
        shown = environment_view.environment_summary(target.stored, target.environment)
        return shown | self._counted(unknown) | _known_ready(target, shown, unknown)

    def environment_view(self, target: ActiveEnvironment) -> Plain:
        """Return a whole environment; its tree of roles marks the unknown tasks."""
        unknown = self._unknown(target)
        shown = environment_view.environment_view(
            target.stored, target.environment, self.task
        ) | self._counted(unknown)
        shown |= _known_ready(target, shown, unknown)
        if unknown:
            _mark(shown["roles"], unknown)
        return shown

    def _counted(self, unknown: dict[TaskId, HostId]) -> Plain:
        """Return the number of ``unknown`` tasks and, by host, the reason."""
        return {
            "unknown": len(unknown),
            "unconfirmed": {
                host: f"{count} task{'' if count == 1 else 's'}: {self.host_age(host).stale_reason}"
                for host, count in Counter(unknown.values()).items()
            },
        }

    def _unknown(self, target: ActiveEnvironment) -> dict[TaskId, HostId]:
        """Return the active tasks whose states are stale, with their hosts."""
        members = target.environment.model.tasks
        return {
            task.id: host
            for host in members.hosts
            if self.host_age(host).stale_reason
            for task in members.on_host(host)
            if task.id not in members.lost and not task.trigger
        }


def _known_ready(target: ActiveEnvironment, shown: Plain, unknown: dict[TaskId, HostId]) -> Plain:
    """Return the number of ready tasks without those whose states are unknown. O(unknown tasks)."""
    members, ready = target.environment.model.tasks, environment_view.ready_states(target.environment)
    counted = (task for task in unknown if task not in members.excluded and not members.is_departing(task))
    less = sum(members.tree.task_state(task) in ready for task in counted)
    return {"tasks_ready": shown["tasks_ready"] - less}


def _mark(role: Plain, unknown: dict[TaskId, HostId]) -> int:
    """Record in each role the number of unknown tasks below it, and return that number."""
    if role["task"] in unknown:
        role |= {"state": TaskState.UNKNOWN, "last_state": role["state"]}
    role["unknown"] = sum(_mark(child, unknown) for child in role["roles"]) + (role["task"] in unknown)
    return int(role["unknown"])


ViewNow = Callable[[], StalenessView]
"""Returns the view of this moment."""
