"""The machine of one environment: messages in, effects out. No I/O, no clock.

    Requested --> begin: one Command per host (Drive) --> Wait for every task --> the next event, or Answer
                                                           |
                    TasksMoved: tasks settle or fail ------+
                    Tick: insist on silent hosts, or the deadline has come: the transition has failed

A failed transition leads to ERROR: what runs is stopped, and the reason is kept and announced. While an
environment is being created (``undo``) it is then ended, so that no process and no resource stays behind.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from salt_o2.core import orders, run
from salt_o2.core.effects import (
    AnnounceFailure,
    AnnounceMoves,
    AnnounceState,
    Answer,
    Drive,
    Effect,
    EndRun,
    Message,
    Release,
    Requested,
    TasksMoved,
    Tick,
    Timeouts,
)
from salt_o2.core.errors import InvalidRequest, O2Error, TaskError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Command, Failure, TaskReport
from salt_o2.core.plan import Plan, PlannedTask
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState, follow
from salt_o2.core.story import tell_failures
from salt_o2.core.tree import RoleTree
from salt_o2.core.wait import Wait

OVERTAKES = (EnvironmentEvent.EXIT, EnvironmentEvent.GO_ERROR)
"""Events that need not wait for the end of a transition under way."""


class Environment:
    """One environment; ``step`` is the only way to change it."""

    def __init__(self, id: EnvironmentId, plan: Plan, timeouts: Timeouts | None = None) -> None:
        """Take ``plan``, with nothing started yet."""
        self.id = id
        self.plan = plan
        self.timeouts = timeouts or Timeouts()
        self.state = EnvironmentState.STANDBY
        self.revision = 0
        self.run_number: int | None = None
        self.starts = 0
        self.error = ""
        self.wait: Wait | None = None
        self.tasks: dict[TaskId, PlannedTask] = {task.id: task for task in plan.tasks}
        self.reports: dict[TaskId, TaskReport] = {}
        self.tree = RoleTree(plan.root, {task.id: task.critical for task in plan.tasks})
        self._by_host: dict[HostId, list[PlannedTask]] = defaultdict(list)
        for task in plan.tasks:
            self._by_host[task.host].append(task)

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """The hosts that the plan uses."""
        return tuple(self._by_host)

    @property
    def wake_at(self) -> float | None:
        """When the next Tick is due, in seconds since the epoch; ``None`` while nothing is awaited."""
        return self.wait.wake_at if self.wait else None

    def tasks_on(self, host: HostId) -> list[PlannedTask]:
        """Return the tasks that the plan places on ``host``."""
        return self._by_host.get(host, [])

    def step(self, message: Message) -> list[Effect]:
        """Take in one message; return what the caller must now carry out, in order.

        Raises:
            IllegalTransition: if a request asks what the state does not allow; nothing has happened then.
            InvalidRequest: if another transition is under way; nothing has happened then either.
        """
        match message:
            case Requested():
                return self._request(message)
            case TasksMoved():
                return self._take(message) + self._settle(message.at)
            case Tick():
                return self._tick(message.at)

    def _request(self, request: Requested) -> list[Effect]:
        event = request.events[0]
        follow(self.state, event, f"environment {self.id}")
        if self.wait is None:
            return self._begin(request)
        if event not in OVERTAKES:
            raise InvalidRequest(
                f"environment {self.id} is in the middle of {self.wait.event}, asked by "
                f"{self.wait.request.user or 'control'}: ask for {event} when it is over, "
                "or destroy the environment"
            )
        overtaken, self.wait = self.wait, None
        error = TaskError(f"{overtaken.event} was overtaken by {event}, asked by {request.user or 'control'}")
        return [*_answer(overtaken.request, error), *self._begin(request)]

    def _begin(self, request: Requested) -> list[Effect]:
        event = request.events[0]
        target = follow(self.state, event, f"environment {self.id}")
        if event is EnvironmentEvent.GO_ERROR:
            return self._go_error(
                request.reason or f"asked for by {request.user}", request.at
            ) + self._proceed(request)
        if event is EnvironmentEvent.START_ACTIVITY:
            self.run_number = request.run_number
        commands = self._commands(event, request.at, self.tasks)
        limit = self.timeouts.by_event[event] + self.timeouts.margin
        self.wait = Wait(
            event=event,
            source=self.state,
            target=target,
            request=request,
            since=request.at,
            deadline=request.at + limit,
            timeouts=self.timeouts,
            waiting=set(self.tasks),
            silent={command.host: command for command in commands},
            total=len(self.tasks),
        )
        return [*(Drive(command=command) for command in commands), *self._settle(request.at)]

    def _commands(self, event: EnvironmentEvent, at: float, tasks: Collection[TaskId]) -> list[Command]:
        self.revision += 1
        return orders.commands(
            event,
            environment=self.id,
            revision=self.revision,
            by_host=self._by_host,
            wanted=tasks,
            arguments=self._arguments(event, at),
            timeout_s=self.timeouts.by_event[event],
        )

    def _arguments(self, event: EnvironmentEvent, at: float) -> dict[str, str]:
        if event is EnvironmentEvent.START_ACTIVITY and self.run_number is not None:
            return run.start_arguments(self.plan.variables, self.run_number, at, self.starts)
        if event in (EnvironmentEvent.STOP_ACTIVITY, EnvironmentEvent.GO_ERROR):
            return run.stop_arguments(self.plan.variables, at)
        return {}

    def _take(self, moved: TasksMoved) -> list[Effect]:
        moves: dict[TaskId, TaskState] = {}
        failures: list[Effect] = []
        broken: dict[TaskId, Failure] = {}
        for report in moved.reports:
            before = self.reports.get(report.task)
            if report.task not in self.tasks or (before and report.revision < before.revision):
                continue  # a stranger's, or older than what we know
            if before is None or before.state is not report.state:
                moves[report.task] = report.state
            self.reports[report.task] = report
            self.tree.move(report.task, report.state, report.status)
            failure = _new_failure(report, before)
            if failure:
                failures.append(self._announce(report, failure))
            if self.wait:
                self._note(report, failure, moved.at)
            elif failure and self.tasks[report.task].critical:
                broken[report.task] = failure
        effects = self._announce_moves(moved.host, moves) + failures
        self._hear(moved)
        if broken and self.state not in (EnvironmentState.ERROR, EnvironmentState.DONE):
            effects += self._go_error(self._tell(f"environment {self.id} in {self.state}", broken), moved.at)
        return effects

    def _announce_moves(self, host: HostId, moves: dict[TaskId, TaskState]) -> list[Effect]:
        # One announcement for all: events are what the master has least to spare of.
        return [AnnounceMoves(environment=self.id, host=host, moves=moves)] if moves else []

    def _announce(self, report: TaskReport, failure: Failure) -> Effect:
        task = self.tasks[report.task]
        return AnnounceFailure(
            environment=self.id,
            task=task.id,
            path=task.path,
            host=task.host,
            state=report.state,
            critical=task.critical,
            failure=failure,
        )

    def _note(self, report: TaskReport, failure: Failure | None, at: float) -> None:
        assert self.wait is not None
        ending = self.wait.event is EnvironmentEvent.EXIT
        if failure and self.tasks[report.task].critical and not ending:
            self.wait.fail(report.task, failure, at)
        elif report.settled and report.revision >= self.revision:
            self.wait.settle(report.task)

    def _hear(self, moved: TasksMoved) -> None:
        has_it = moved.accepted >= self.revision or any(r.revision >= self.revision for r in moved.reports)
        if self.wait and has_it:
            self.wait.heard(moved.host)

    def _settle(self, at: float) -> list[Effect]:
        wait = self.wait
        if wait is None or not wait.is_over:
            return []
        if wait.failures:
            return self._fail(wait, at)
        self.wait = None
        self.state = wait.target
        effects = self._after(wait)
        return [*effects, *self._proceed(replace(wait.request, at=at))]

    def _after(self, wait: Wait) -> list[Effect]:
        """Return what follows from having reached ``wait.target``."""
        effects: list[Effect] = []
        if wait.event is EnvironmentEvent.START_ACTIVITY:
            self.starts += 1
        if wait.event is EnvironmentEvent.RECOVER:
            self.error = ""
        if self.state is not EnvironmentState.RUNNING:
            effects += self._end_run()
        effects.append(
            AnnounceState(
                environment=self.id, state=self.state, run_number=self.run_number, reason=wait.request.reason
            )
        )
        if self.state is EnvironmentState.DONE:
            effects.append(Release(environment=self.id))
        return effects

    def _proceed(self, request: Requested) -> list[Effect]:
        """Go on with the events of ``request`` that are left, or answer it."""
        rest = request.events[1:]
        if not rest:
            return _answer(request, TaskError(self.error) if request.undo and self.error else None)
        try:
            return self._begin(replace(request, events=rest))
        except O2Error as error:
            return _answer(request, error)

    def _tick(self, at: float) -> list[Effect]:
        wait = self.wait
        if wait is None:
            return []
        return self._expire(wait, at) if at >= wait.deadline else wait.insist(at)

    def _expire(self, wait: Wait, at: float) -> list[Effect]:
        """End a wait whose deadline has come; a task that nobody needs does not spoil the transition."""
        if not wait.failures:
            needed = (
                t for t in wait.waiting if self.tasks[t].critical or wait.event is EnvironmentEvent.EXIT
            )
            wait.failures = {task: self._overdue(task, wait, at) for task in needed}
        wait.waiting.clear()
        return self._settle(at)

    def _fail(self, wait: Wait, at: float) -> list[Effect]:
        self.wait = None
        reason = self._tell(f"{wait.event} of environment {self.id}", wait.failures)
        if wait.event is EnvironmentEvent.EXIT:
            return self._give_up(wait, reason)
        effects = self._go_error(reason, at)
        if wait.request.undo:
            end = replace(wait.request, at=at, events=(EnvironmentEvent.EXIT,), reason=reason)
            return [*effects, *self._begin(end)]
        return [*effects, *_answer(wait.request, TaskError(reason))]

    def _give_up(self, wait: Wait, reason: str) -> list[Effect]:
        # The end is the end: what a lost host still holds is ended when it returns and reports it.
        self.error = "\n".join(filter(None, (self.error, reason)))
        self.state = EnvironmentState.DONE
        return [
            *self._end_run(),
            AnnounceState(environment=self.id, state=self.state, run_number=None, reason=reason),
            Release(environment=self.id),
            *_answer(wait.request, TaskError(self.error)),
        ]

    def _go_error(self, reason: str, at: float) -> list[Effect]:
        """Enter ERROR: stop what runs, without waiting for it, and say why."""
        running = {task for task in self.tasks if self.tree.state_of(task) is TaskState.RUNNING}
        stop = self._commands(EnvironmentEvent.GO_ERROR, at, running) if running else []
        self.state = EnvironmentState.ERROR
        self.error = reason
        announce = AnnounceState(
            environment=self.id, state=self.state, run_number=self.run_number, reason=reason
        )
        return [*(Drive(command=command) for command in stop), announce, *self._end_run()]

    def _end_run(self) -> list[Effect]:
        number, self.run_number = self.run_number, None
        return [] if number is None else [EndRun(run_number=number)]

    def _overdue(self, task: TaskId, wait: Wait, at: float) -> Failure:
        report = self.reports.get(task)
        host = self.tasks[task].host
        silent = host in wait.silent
        return Failure(
            asked=wait.event,
            state=(report.device_state or report.state) if report else "-",
            reason=f"no answer within {at - wait.since:.0f} s"
            + (f"; host {host} has not acknowledged the command" if silent else ""),
            advice=f"check the minion and its o2_agent engine on {host}" if silent else "see the task's log",
        )

    def _tell(self, what: str, failures: dict[TaskId, Failure]) -> str:
        return tell_failures(what, [(self.tasks[task], failure) for task, failure in failures.items()])


def _new_failure(report: TaskReport, before: TaskReport | None) -> Failure | None:
    """Return the failure that ``report`` brings, if it is not known already for this revision."""
    known = before is not None and before.failure == report.failure and before.revision == report.revision
    if report.failure and not known:
        return report.failure
    return None


def _answer(request: Requested, error: O2Error | None) -> list[Effect]:
    return [Answer(request=request.request, error=error)] if request.request else []
