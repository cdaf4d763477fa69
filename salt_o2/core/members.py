"""The tasks of one environment: what the plan says of them, what was reported, who is left out and why."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceFailure, AnnounceKilled, AnnounceMoves
from salt_o2.core.messages.effects import Effect
from salt_o2.core.messages.failure_text import tell_failures
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import Failure, TaskReport, is_well, rests
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.core.states import ControlMode, EnvironmentEvent, TaskState, TaskStatus
from salt_o2.core.tasks.completion import RunEnd, without
from salt_o2.core.tasks.role_tree import RoleTree

UNCONTROLLED = (ControlMode.BASIC, ControlMode.HOOK)


class Members:
    """All tasks of an environment, hooks among them."""

    def __init__(self, environment: EnvironmentId, plan: Plan) -> None:
        """Know the tasks of ``plan``; none of them has reported."""
        self._environment = environment
        self.reports: dict[TaskId, TaskReport] = {}
        self.excluded: dict[TaskId, str] = {}
        """Tasks that stay out of the data flow, with the reason."""
        self.unreachable: set[HostId] = set()
        """Hosts that are lost."""
        self.silent: dict[HostId, str] = {}
        """Hosts whose agents are away, with the reason; what runs there goes on."""
        self.lost: dict[TaskId, str] = {}
        """Tasks that failed and whose loss is tolerated, with the reason."""
        self.end = RunEnd()
        self.replan(plan, {})

    def replan(self, plan: Plan, excluded: Mapping[TaskId, str], keep: Collection[PlannedTask] = ()) -> None:
        """Have the tasks of ``plan`` from now on, and until they have ended also those to ``keep``."""
        self.plan = plan
        self.tasks = {task.id: task for task in (*plan.tasks, *keep)}
        self.tree = RoleTree(plan.root, {task.id: task.critical and not task.trigger for task in plan.tasks})
        self.excluded = dict(excluded)
        self.lost = {
            task: why for task, why in self.lost.items() if task in self.tasks and task not in excluded
        }
        self._by_host: dict[HostId, list[PlannedTask]] = defaultdict(list)
        self._in_plan = {task.id for task in plan.tasks}
        self.planned_count = sum(not task.trigger for task in plan.tasks)
        """How many tasks of the plan are no hooks."""
        for task in self.tasks.values():
            self._by_host[task.host].append(task)
        for id in self.excluded:
            self.tree.exclude(id)
        for report in self.reports.values():
            self._place(report)
        self.end = RunEnd()
        for id in self.tasks:
            self._judge(id)

    def forget_leavers(self) -> None:
        """Know nothing more of tasks that are not in the plan; their hosts may be lost with them on it."""
        self.forget([task.id for task in self.leaving()])

    def forget(self, tasks: Iterable[TaskId]) -> None:
        """Know nothing more of ``tasks``, which are not in the plan."""
        for id in tasks:
            task = self.tasks.pop(id)
            self._by_host[task.host].remove(task)
            if not self._by_host[task.host]:
                del self._by_host[task.host]
            self.reports.pop(id, None)
            self.excluded.pop(id, None)
            self.lost.pop(id, None)
            self.end.drop(id)

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """The hosts that have tasks."""
        return tuple(self._by_host)

    @property
    def excluded_count(self) -> int:
        """How many of those are excluded. O(excluded tasks)."""
        return sum(task in self._in_plan and not self.tasks[task].trigger for task in self.excluded)

    def on(self, host: HostId) -> list[PlannedTask]:
        """Return the tasks that belong on ``host``."""
        return self._by_host.get(host, [])

    def taking_part(self, event: EnvironmentEvent) -> list[PlannedTask]:
        """Return whom ``event`` concerns: at the end all, else who is planned, and not out or lost."""
        wanted = [task for task in self.tasks.values() if not task.trigger]
        if event is EnvironmentEvent.EXIT:
            return wanted
        if event is EnvironmentEvent.GO_ERROR:
            return [task for task in wanted if _state(self.reports.get(task.id)) is TaskState.RUNNING]
        out = {*self.excluded, *self.lost}
        return [task for task in wanted if task.id in self._in_plan and task.id not in out]

    def counts(self, task: TaskId) -> bool:
        """Return whether the loss of ``task`` matters at all."""
        planned = self.tasks[task]
        wanted = task in self._in_plan and task not in self.excluded
        return planned.critical and not planned.trigger and wanted

    def is_leaving(self, task: TaskId) -> bool:
        """Return whether ``task`` is not in the plan any more, and only its end is awaited."""
        return task not in self._in_plan

    def leaving(self) -> tuple[PlannedTask, ...]:
        """Return the tasks that are not in the plan any more."""
        return tuple(task for id, task in self.tasks.items() if id not in self._in_plan)

    def exclude(self, task: TaskId, why: str) -> None:
        """Leave ``task`` out from now on."""
        self.excluded[task] = why
        if task in self._in_plan:
            self.tree.exclude(task)
        self._judge(task)

    def fail(self, task: TaskId, failure: Failure) -> None:
        """Count ``task`` as failed although nobody has reported it; its loss may be tolerated."""
        report = self.reports.get(task) or self._unheard(self.tasks[task])
        if report is not None and task in self._in_plan:
            self.reports[task] = replace(report, failure=failure, state=TaskState.ERROR)
            self._place(self.reports[task])
            self._note_losses({task: failure})

    def forgo(self, task: TaskId, why: str) -> None:
        """Go on without ``task``, which has failed: it counts no more until it is regained."""
        self.lost[task] = why
        if task in self._in_plan:
            self.tree.exclude(task)
        self._judge(task)

    def regain(self, task: TaskId) -> None:
        """Let a lost task take part again."""
        if self.lost.pop(task, None) is not None and task not in self.excluded and task in self._in_plan:
            self.tree.exclude(task, excluded=False)
        if task in self.tasks:
            self._judge(task)

    def regain_all(self) -> None:
        """Let all lost tasks take part again."""
        for task in tuple(self.lost):
            self.regain(task)

    def lose_host(self, host: HostId, silent_s: float) -> dict[TaskId, Failure]:
        """Know nothing of the tasks on ``host`` any more; return what that means for each that takes part."""
        self.unreachable.add(host)
        self.silent.pop(host, None)
        failures: dict[TaskId, Failure] = {}
        for task in self.on(host):
            report = self.reports.get(task.id) or self._unheard(task)
            if report is None or report.state is TaskState.DONE:
                continue
            self.reports[task.id] = replace(report, state=TaskState.UNKNOWN, status=TaskStatus.INACTIVE)
            self._place(self.reports[task.id])
            failures[task.id] = Failure(
                asked="heartbeat",
                state=report.device_state or report.state,
                reason=f"host {host} is lost: nothing was heard of it for {silent_s:.0f} s",
                advice=f"check host {host}, its network and its minion; its tasks may still run",
            )
        return failures

    def rename_host(self, old: HostId, new: HostId) -> None:
        """Know the tasks on ``old`` as tasks on ``new``; what was reported of them is still true."""
        moved = {task.id: replace(task, host=new) for task in self.on(old)}
        self.tasks |= moved
        tasks = tuple(moved.get(task.id, task) for task in self.plan.tasks)
        self.plan = replace(self.plan, tasks=tasks)
        self._by_host[new] = [*self._by_host.pop(new, []), *moved.values()]
        self._by_host.pop(old, None)
        self.unreachable.discard(old)
        self.silent.pop(old, None)

    def keepable(self) -> tuple[PlannedTask, ...]:
        """Return the tasks that could wait in STANDBY for another environment, as far as is known.

        One that nothing was heard of yet is among them: after a restart of control it may be well.
        """
        return tuple(
            task
            for task in self.taking_part(EnvironmentEvent.EXIT)
            if task.launch.mode not in UNCONTROLLED
            and task.host not in self.unreachable
            and ((report := self.reports.get(task.id)) is None or is_well(report))
        )

    def resting(self, since: int) -> tuple[TaskId, ...]:
        """Return the tasks that are in STANDBY by the order of revision ``since``, and well."""
        reports = ((task.id, self.reports.get(task.id)) for task in self.keepable())
        return tuple(
            task for task, report in reports if report and report.revision >= since and rests(report)
        )

    def miss(self, host: HostId, why: str) -> list[Effect]:
        """Hear nothing of ``host`` for now; what runs there is left alone, so that nothing follows."""
        if host not in self.unreachable:
            self.silent[host] = why
        return []

    def is_alive(self, task: TaskId) -> bool:
        """Return whether ``task`` was last seen with a process."""
        report = self.reports.get(task)
        return report is not None and report.status is TaskStatus.ACTIVE

    def take(self, moved: TasksMoved) -> tuple[list[Effect], dict[TaskId, Failure]]:
        """Take in reports; return what to announce, and the failures that are new."""
        moves: dict[TaskId, TaskState] = {}
        failures: dict[TaskId, Failure] = {}
        killed: list[Effect] = []
        self.unreachable.discard(moved.host)
        self.silent.pop(moved.host, None)
        for report in moved.reports:
            before = self.reports.get(report.task)
            if report.task not in self.tasks or (before and report.revision < before.revision):
                continue  # a stranger's, or older than what we know
            if self.tasks[report.task].host != moved.host:
                continue  # a host may speak for its own tasks only
            self.reports[report.task] = report
            self._place(report)
            if before is None or before.state is not report.state:
                moves[report.task] = report.state
            if report.killed and not (before and before.killed):
                killed.append(self._killed(report.task))
            if report.failure and not _is_known(report, before):
                failures[report.task] = report.failure
        self._note_losses(failures)
        return [*killed, *self._news(moved.host, moves, failures)], failures

    def _killed(self, task: TaskId) -> AnnounceKilled:
        planned = self.tasks[task]
        return AnnounceKilled(environment=self._environment, task=task, path=planned.path, host=planned.host)

    def losses(self) -> str:
        """Return what the lost tasks failed by, in one line; empty if none is lost."""
        return without((self.tasks[task].path, why) for task, why in self.lost.items())

    def overdue(self, task: TaskId, event: EnvironmentEvent, seconds: float, silent: bool) -> Failure:
        """Return the failure of a task that nothing was heard of for so long."""
        report, host = self.reports.get(task), self.tasks[task].host
        return Failure(
            asked=event,
            state=(report.device_state or report.state) if report else "-",
            reason=f"no answer within {seconds:.0f} s"
            + (f"; host {host} has not acknowledged the command" if silent else "")
            + (f"; host {host} is silent: {self.silent[host]}" if host in self.silent else ""),
            advice=f"check the minion and its o2_agent engine on {host}" if silent else "see the task's log",
        )

    def tell(self, what: str, failures: Mapping[TaskId, Failure]) -> str:
        """Return a message about ``failures``."""
        return tell_failures(what, [(self.tasks[task], failure) for task, failure in failures.items()])

    def _place(self, report: TaskReport) -> None:
        if report.task in self._in_plan:
            failed = report.failure is not None and report.state is not TaskState.DONE
            self.tree.move(report.task, TaskState.ERROR if failed else report.state, report.status)
            self._judge(report.task)

    def _judge(self, task: TaskId) -> None:
        """Say what ``task`` means for the end of the run, after any change of it."""
        takes_part = task in self._in_plan and task not in self.excluded and task not in self.lost
        if takes_part and not self.tasks[task].trigger:
            self.end.judge(self.tasks[task], self.reports.get(task))
        else:
            self.end.drop(task)

    def _note_losses(self, failures: Mapping[TaskId, Failure]) -> None:
        for task, failure in failures.items():
            planned = self.tasks[task]
            tolerated = self.tree.root.state is not TaskState.ERROR or not planned.critical
            if tolerated and not planned.trigger and task not in self.excluded:
                self.lost[task] = failure.reason
                self._judge(task)

    def _news(
        self, host: HostId, moves: dict[TaskId, TaskState], failures: Mapping[TaskId, Failure]
    ) -> list[Effect]:
        # One announcement for all: events are what the master has least to spare of.
        news: list[Effect] = []
        if moves:
            news.append(AnnounceMoves(environment=self._environment, host=host, moves=moves))
        return news + [self._announce(self.tasks[task], failure) for task, failure in failures.items()]

    def _announce(self, task: PlannedTask, failure: Failure) -> Effect:
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

    def _unheard(self, task: PlannedTask) -> TaskReport | None:
        """Return what is known of a task that should be there and has not reported yet; hooks need not be."""
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


def _state(report: TaskReport | None) -> TaskState | None:
    return report.state if report else None


def _is_known(report: TaskReport, before: TaskReport | None) -> bool:
    return before is not None and before.failure == report.failure and before.revision == report.revision
