"""Register the tasks of one environment: their plan, their reports, and their participation."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceFailure, AnnounceKilled, AnnounceMoves
from salt_o2.core.messages.effects import Effect
from salt_o2.core.messages.failure_text import format_failures
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import Failure, TaskReport, is_healthy, is_idle
from salt_o2.core.plan.overrides import detectors_of
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.core.states import ControlMode, EnvironmentEvent, TaskState, TaskStatus
from salt_o2.core.tasks.completion import RunCompletion, describe_losses
from salt_o2.core.tasks.participation import ParticipationTable
from salt_o2.core.tasks.role_tree import RoleTree

UNCONTROLLED = (ControlMode.BASIC, ControlMode.HOOK)


class TaskRegistry:
    """All tasks of an environment, task hooks included."""

    def __init__(self, environment: EnvironmentId, plan: Plan) -> None:
        """Register the tasks of ``plan``; none of them has reported."""
        self._environment = environment
        self.reports: dict[TaskId, TaskReport] = {}
        """The last report of each task; after a change of plan also of tasks that are not registered."""
        self.participation = ParticipationTable()
        self.unreachable: set[HostId] = set()
        """Hosts that are lost."""
        self.silent: dict[HostId, str] = {}
        """Hosts whose agents are away, with the reason; their tasks keep running."""
        self.completion = RunCompletion()
        self._changed: set[TaskId] = set()
        self.install_plan(plan, {})

    # --- the plan -------------------------------------------------------------------------------

    def install_plan(
        self, plan: Plan, excluded: Mapping[TaskId, str], departing: Collection[PlannedTask] = ()
    ) -> None:
        """Register the tasks of ``plan`` and, until they have ended, those ``departing``. O(tasks)."""
        self.plan = plan
        self.tasks = {task.id: task for task in (*plan.tasks, *departing)}
        self.tree = _tree_of(plan)
        self.planned_count = sum(not task.trigger for task in plan.tasks)
        """How many tasks of the plan are not task hooks."""
        self.hooks = tuple(task.id for task in plan.tasks if task.trigger)
        self.detectors = detectors_of(plan)
        """The detector of each task that belongs to one."""
        self._detector_sizes = Counter(self.detectors.values())
        planned = {task.id for task in plan.tasks}
        self.participation.install(planned, excluded, self.tasks.keys() - planned)
        self._by_host: dict[HostId, list[PlannedTask]] = defaultdict(list)
        for task in self.tasks.values():
            self._by_host[task.host].append(task)
        for id in self.excluded:
            self.tree.exclude_task(id)
        for report in self.reports.values():
            if report.task in planned:
                self.tree.update_task(report.task, _effective_state(report), report.status)
        self._install_losses()
        self.completion = RunCompletion()
        for task in self.participating(EnvironmentEvent.MODIFY):
            self.completion.update_task(task, self.reports.get(task.id))

    def recall_losses(self, lost: Mapping[TaskId, str], ignored: Collection[TaskId]) -> None:
        """Restore, after a restart of control, which tasks are lost, and which losses do not count."""
        for task in lost.keys() & self.tasks.keys():
            recall = self.participation.ignore_loss if task in ignored else self.participation.mark_lost
            recall(task, lost[task])
            self._update_completion(task)
        self._install_losses()

    def _install_losses(self) -> None:
        """Bring the role tree in line with the lost tasks, including those without a report."""
        for task in self.lost:
            if task in self.participation.ignored:
                self.tree.exclude_task(task)
            elif task not in self.reports:
                self.tree.update_task(task, TaskState.ERROR, TaskStatus.INACTIVE)

    def remove_departed(self) -> None:
        """Remove all departing tasks; a lost host may still run some of them."""
        self.remove_tasks([task.id for task in self.departing()])

    def remove_tasks(self, tasks: Iterable[TaskId]) -> None:
        """Remove ``tasks``, which are departing."""
        for id in tasks:
            task = self.tasks.pop(id)
            self._by_host[task.host].remove(task)
            if not self._by_host[task.host]:
                del self._by_host[task.host]
            self.reports.pop(id, None)
            self.participation.remove(id)
            self.completion.remove_task(id)

    def rename_host(self, old: HostId, new: HostId) -> None:
        """Register the tasks on ``old`` as tasks on ``new``; their reports stay true."""
        moved = {task.id: replace(task, host=new) for task in self.on_host(old)}
        self.tasks |= moved
        tasks = tuple(moved.get(task.id, task) for task in self.plan.tasks)
        self.plan = replace(self.plan, tasks=tasks)
        self._by_host[new] = [*self._by_host.pop(new, []), *moved.values()]
        self._by_host.pop(old, None)
        self.unreachable.discard(old)
        self.silent.pop(old, None)

    # --- queries --------------------------------------------------------------------------------

    def take_changed(self) -> set[TaskId]:
        """Return the tasks whose report or participation was set since the last call. O(1)."""
        changed, self._changed = self._changed, set()
        return changed

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """The hosts that have tasks."""
        return tuple(self._by_host)

    @property
    def excluded(self) -> Mapping[TaskId, str]:
        """Tasks that stay out of the data flow, with the reasons."""
        return self.participation.excluded

    @property
    def lost(self) -> Mapping[TaskId, str]:
        """Tasks that failed and that the environment continues without, with the reasons."""
        return self.participation.lost

    @property
    def excluded_count(self) -> int:
        """How many tasks that are not task hooks are excluded. O(excluded tasks)."""
        return sum(not self.tasks[task].trigger for task in self.excluded)

    def detectors_taking_part(self) -> list[str]:
        """Return the detectors of which not all tasks are excluded. O(detectors + excluded tasks)."""
        out = Counter(self.detectors[task] for task in self.excluded if task in self.detectors)
        return sorted(name for name, size in self._detector_sizes.items() if out[name] < size)

    def excluded_detectors(self) -> list[str]:
        """Return the detectors of which all tasks are excluded. O(detectors + excluded tasks)."""
        return sorted(self._detector_sizes.keys() - set(self.detectors_taking_part()))

    def count_in(self, states: Collection[TaskState]) -> int:
        """Return how many tasks that take part are in ``states``. O(task hooks + excluded tasks)."""
        apart = {*self.hooks, *self.excluded}
        left_out = sum(self.tree.task_state(task) in states for task in apart)
        return sum(self.tree.tasks[state] for state in states) - left_out

    def on_host(self, host: HostId) -> list[PlannedTask]:
        """Return the tasks that belong on ``host``."""
        return self._by_host.get(host, [])

    def participating(self, event: EnvironmentEvent) -> list[PlannedTask]:
        """Return the tasks that ``event`` moves: EXIT all, GO_ERROR the running, else the active ones."""
        wanted = [task for task in self.tasks.values() if not task.trigger]
        if event is EnvironmentEvent.EXIT:
            return wanted
        if event is EnvironmentEvent.GO_ERROR:
            return [task for task in wanted if _state(self.reports.get(task.id)) is TaskState.RUNNING]
        return [task for task in wanted if self.participation.is_active(task.id)]

    def is_required(self, task: TaskId) -> bool:
        """Return whether the environment depends on ``task``: it is critical and not excluded on purpose."""
        planned = self.tasks[task]
        left_out = task in self.participation.excluded or self.is_departing(task)
        return planned.critical and not planned.trigger and not left_out

    def is_departing(self, task: TaskId) -> bool:
        """Return whether the plan does not contain ``task`` any more."""
        return task in self.participation.departing

    def departing(self) -> tuple[PlannedTask, ...]:
        """Return the tasks that the plan does not contain any more."""
        departing = self.participation.departing
        return tuple(task for id, task in self.tasks.items() if id in departing) if departing else ()

    def transferable(self) -> tuple[PlannedTask, ...]:
        """Return the tasks that could wait in STANDBY for another environment, as far as control knows.

        A task without a report is among them: after a restart of control it may be healthy.
        """
        return tuple(
            task
            for task in self.participating(EnvironmentEvent.EXIT)
            if task.launch.mode not in UNCONTROLLED
            and task.host not in self.unreachable
            and ((report := self.reports.get(task.id)) is None or is_healthy(report))
        )

    def idle_since(self, revision: int) -> tuple[TaskId, ...]:
        """Return the healthy tasks that are in STANDBY by the order of ``revision`` or a later one."""
        reports = ((task.id, self.reports.get(task.id)) for task in self.transferable())
        return tuple(
            task for task, report in reports if report and report.revision >= revision and is_idle(report)
        )

    def unconfirmed_hosts(self) -> set[HostId]:
        """Return the hosts whose tasks have reported neither their end nor that they are idle. O(tasks)."""
        reports = ((task.host, self.reports.get(task.id)) for task in self.tasks.values())
        return {
            host
            for host, report in reports
            if report is None or not (report.state is TaskState.DONE or is_idle(report))
        }

    def losses(self) -> str:
        """Return the failures of the lost tasks in one line; empty if no task is lost."""
        return describe_losses((self.tasks[task].path, reason) for task, reason in self.lost.items())

    def timeout_failure(
        self, task: TaskId, event: EnvironmentEvent, seconds: float, unacknowledged: bool
    ) -> Failure:
        """Return the failure of a task that has not answered ``event`` for ``seconds``."""
        report, host = self.reports.get(task), self.tasks[task].host
        return Failure(
            asked=event,
            state=(report.device_state or report.state) if report else "-",
            reason=f"no answer within {seconds:.0f} s"
            + (f"; host {host} has not acknowledged the command" if unacknowledged else "")
            + (f"; host {host} is silent: {self.silent[host]}" if host in self.silent else ""),
            advice=(
                f"check the minion and its o2_agent engine on {host}"
                if unacknowledged
                else f"see its output: `coconut task log {task}`"
            ),
        )

    def describe_failures(self, subject: str, failures: Mapping[TaskId, Failure]) -> str:
        """Return a message about ``failures`` of ``subject``."""
        return format_failures(subject, [(self.tasks[task], failure) for task, failure in failures.items()])

    # --- changes of tasks and hosts -------------------------------------------------------------

    def exclude_task(self, task: TaskId, reason: str) -> None:
        """Exclude ``task`` from the data flow."""
        self.participation.exclude(task, reason)
        self._leave_out_of_tree(task)

    def mark_lost(self, task: TaskId, reason: str) -> None:
        """Continue without ``task``, whose policy ignores its failure, until ``restore_task``."""
        self.participation.ignore_loss(task, reason)
        self._leave_out_of_tree(task)

    def restore_task(self, task: TaskId) -> None:
        """Let a lost task take part again."""
        if task in self.lost:
            self._changed.add(task)
            self.participation.restore(task)
            self.tree.exclude_task(task, excluded=False)
            self._update_completion(task)

    def restore_all(self) -> None:
        """Let all lost tasks take part again."""
        for task in tuple(self.lost):
            self.restore_task(task)

    def mark_failed(self, task: TaskId, failure: Failure) -> None:
        """Count ``task`` as failed although no agent reported it; the environment may tolerate its loss."""
        report = self.reports.get(task) or self._missing_report(self.tasks[task])
        if report is not None and not self.is_departing(task):
            self.reports[task] = replace(report, failure=failure, state=TaskState.ERROR)
            self._update_tree(self.reports[task])
            self._mark_tolerated_losses({task: failure})

    def mark_host_lost(self, host: HostId, silent_s: float) -> dict[TaskId, Failure]:
        """Mark the tasks on ``host`` UNKNOWN; return a failure for each that had not ended."""
        self.unreachable.add(host)
        self.silent.pop(host, None)
        failures: dict[TaskId, Failure] = {}
        for task in self.on_host(host):
            report = self.reports.get(task.id) or self._missing_report(task)
            if report is None or report.state is TaskState.DONE:
                continue
            self.reports[task.id] = replace(report, state=TaskState.UNKNOWN, status=TaskStatus.INACTIVE)
            self._update_tree(self.reports[task.id])
            failures[task.id] = Failure(
                asked="heartbeat",
                state=report.device_state or report.state,
                reason=f"host {host} is lost: no report for {silent_s:.0f} s",
                advice=f"check host {host}, its network and its minion; its tasks may still run",
            )
        return failures

    def mark_host_silent(self, host: HostId, reason: str) -> None:
        """Record that the agent of ``host`` is away; its tasks keep running and stay as they are."""
        if host not in self.unreachable:
            self.silent[host] = reason

    def apply_reports(self, moved: TasksMoved) -> tuple[list[Effect], dict[TaskId, Failure]]:
        """Apply the reports of one host; return what to announce, and the failures that are new."""
        moves: dict[TaskId, TaskState] = {}
        failures: dict[TaskId, Failure] = {}
        killed: list[Effect] = []
        self.unreachable.discard(moved.host)
        self.silent.pop(moved.host, None)
        for report in moved.reports:
            before = self.reports.get(report.task)
            if report.task not in self.tasks or self.tasks[report.task].host != moved.host:
                continue  # The task is not registered, or another host reports it.
            if before and report.revision < before.revision:
                if not _has_lost_its_process(report, before):
                    continue  # The report is older than the last one.
                report = replace(report, revision=before.revision)
            self.reports[report.task] = report
            self._update_tree(report)
            if before is None or before.state is not report.state:
                moves[report.task] = report.state
            if report.killed and not (before and before.killed):
                killed.append(self._announce_killed(report.task))
            if report.failure and not _is_known(report, before):
                failures[report.task] = report.failure
        self._mark_tolerated_losses(failures)
        return [*killed, *self._announcements(moved.host, moves, failures)], failures

    def check_invariants(self) -> None:
        """Raise AssertionError if an index does not fit the tasks, reports and plan; for tests. O(tasks)."""
        self.participation.check_invariants()
        planned = {task.id for task in self.plan.tasks}
        assert self.participation.departing == self.tasks.keys() - planned, "departing tasks are not planned"
        assert planned <= self.tasks.keys(), "every planned task is registered"
        named = self.excluded.keys() | self.lost.keys()
        assert named <= planned, "excluded and lost tasks are planned"
        indexed = {task.id: host for host, tasks in self._by_host.items() for task in tasks}
        assert indexed == {task.id: task.host for task in self.tasks.values()}, "the index of hosts is true"
        completion = RunCompletion()
        for task in self.participating(EnvironmentEvent.STOP_ACTIVITY):
            completion.update_task(task, self.reports.get(task.id))
        assert completion == self.completion, "the run completion is that of the reports"
        self.tree.check_invariants()
        uncounted = self.excluded.keys() | self.participation.ignored
        assert self.tree.excluded_tasks() == uncounted, "the role tree counts all tasks that it should"
        for id in planned & self.reports.keys():
            expected = _effective_state(self.reports[id])
            assert self.tree.task_state(id) is expected, f"the role tree has the reported state of {id}"

    # --- details --------------------------------------------------------------------------------

    def _update_tree(self, report: TaskReport) -> None:
        """Bring role tree and run completion in step with a report that is new. O(depth)."""
        self._changed.add(report.task)
        if report.task not in self.participation.departing:
            self.tree.update_task(report.task, _effective_state(report), report.status)
            self._update_completion(report.task)

    def _update_completion(self, task: TaskId) -> None:
        """Bring the run completion in step with the report and the participation of ``task``. O(1)."""
        planned = self.tasks[task]
        if self.participation.is_active(task) and not planned.trigger:
            self.completion.update_task(planned, self.reports.get(task))
        else:
            self.completion.remove_task(task)

    def _leave_out_of_tree(self, task: TaskId) -> None:
        self._changed.add(task)
        if not self.is_departing(task):
            self.tree.exclude_task(task)
        self._update_completion(task)

    def _mark_tolerated_losses(self, failures: Mapping[TaskId, Failure]) -> None:
        """Mark failed tasks lost while their roles tolerate it; such a loss still counts in the role tree.

        A loss that the task's policy ignores does not count there, see ``mark_lost``.
        """
        for task, failure in failures.items():
            planned = self.tasks[task]
            tolerated = self.tree.root.state is not TaskState.ERROR or not planned.critical
            if tolerated and not planned.trigger:
                self.participation.mark_lost(task, failure.reason)
                self.completion.remove_task(task)

    def _announcements(
        self, host: HostId, moves: dict[TaskId, TaskState], failures: Mapping[TaskId, Failure]
    ) -> list[Effect]:
        # One announcement covers all moves: the rate of events is the tightest limit of the master.
        announcements: list[Effect] = []
        if moves:
            announcements.append(AnnounceMoves(environment=self._environment, host=host, moves=moves))
        return announcements + [
            self._announce_failure(self.tasks[task], why) for task, why in failures.items()
        ]

    def _announce_killed(self, task: TaskId) -> AnnounceKilled:
        planned = self.tasks[task]
        return AnnounceKilled(environment=self._environment, task=task, path=planned.path, host=planned.host)

    def _announce_failure(self, task: PlannedTask, failure: Failure) -> AnnounceFailure:
        return AnnounceFailure(
            environment=self._environment,
            task=task.id,
            path=task.path,
            host=task.host,
            state=self.reports[task.id].state,
            critical=task.critical,
            recovery=task.recovery,
            failure=failure,
        )

    def _missing_report(self, task: PlannedTask) -> TaskReport | None:
        """Return what control assumes of a task that has not reported; ``None`` for a task hook."""
        if task.trigger:
            return None
        return TaskReport(
            task=task.id,
            environment=self._environment,
            revision=-1,
            settled=True,
            status=TaskStatus.INACTIVE,
            state=TaskState.UNKNOWN,
        )


def _tree_of(plan: Plan) -> RoleTree:
    return RoleTree(plan.root, {task.id: task.critical and not task.trigger for task in plan.tasks})


def _effective_state(report: TaskReport) -> TaskState:
    """Return the state that counts in the role tree: a failed task counts as ERROR until it is DONE."""
    failed = report.failure is not None and report.state is not TaskState.DONE
    return TaskState.ERROR if failed else report.state


def _state(report: TaskReport | None) -> TaskState | None:
    return report.state if report else None


def _has_lost_its_process(report: TaskReport, before: TaskReport) -> bool:
    """Return whether ``report`` is about the end of the process that ran in ``before``.

    An agent whose task file was damaged continues with an older copy, so it reports an older revision of the
    same process. A report that comes late is about an earlier process, or has no failure.
    """
    same = report.started is not None and report.started == before.started
    return same and report.pid is None and before.pid is not None and report.failure is not None


def _is_known(report: TaskReport, before: TaskReport | None) -> bool:
    return before is not None and before.failure == report.failure and before.revision == report.revision
