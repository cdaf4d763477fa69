"""The machine of one environment: messages in, effects out. No I/O, no clock.

    Requested, Modified --> a Transition: its agenda of stages, one after the other
                              stage: calls, hooks, tasks --> effects, and a Wait for their ends
    TasksMoved, CallEnded --> the Wait; when it is over, the next stage; at the end the next event, or Answer
    Tick -------------------> insist on silent hosts; a deadline has come

A failed transition leads to ERROR: what runs is stopped, and the reason is kept and announced. While an
environment is being created (``undo``) it is then ended, so that no process and no resource stays behind. A
modification that fails leaves the environment in its state, without the tasks that could not join.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from salt_o2.core import members, run
from salt_o2.core.agenda import Calls, ClearHooks, Enter, Move, Prepare, RunHooks, Stage, agenda
from salt_o2.core.effects import (
    Abandon,
    AnnounceState,
    Answer,
    CallEnded,
    Drive,
    Effect,
    EndRun,
    Invoke,
    Message,
    Modified,
    Release,
    Requested,
    TasksMoved,
    Tick,
    Timeouts,
)
from salt_o2.core.errors import InvalidRequest, O2Error, TaskError
from salt_o2.core.hooks import Hooks
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.members import Members
from salt_o2.core.messages import Command, Failure, TaskReport
from salt_o2.core.moment import Moment
from salt_o2.core.orders import STANDING, Wave, commands, wave_of
from salt_o2.core.plan import Plan
from salt_o2.core.reshape import compare
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState, follow
from salt_o2.core.transition import Transition
from salt_o2.core.wait import Awaited, Wait

_E, _S = EnvironmentEvent, EnvironmentState
OVERTAKES = (_E.EXIT, _E.GO_ERROR)
"""Events that need not wait for the end of a transition under way."""


class Environment:
    """One environment; ``step`` is the only way to change it."""

    def __init__(self, id: EnvironmentId, plan: Plan, timeouts: Timeouts | None = None) -> None:
        """Take ``plan``, with nothing started yet."""
        self.id = id
        self.timeouts = timeouts or Timeouts()
        self.state = _S.STANDBY
        self.revision = 0
        self.run_number: int | None = None
        self.starts = 0
        self.error = ""
        self.automatic = False
        self.stop_at: float | None = None
        self.variables: dict[str, str] = {}
        """What the run and calls have set, above the plan's variables."""
        self.arguments: dict[str, str] = {}
        """What START pushed to the tasks of the run under way; whoever joins it gets the same."""
        self.transition: Transition | None = None
        self.wait: Wait | None = None
        self.members = Members(id, plan)
        self.hooks = Hooks(plan)

    @property
    def plan(self) -> Plan:
        """What the environment is made of."""
        return self.members.plan

    @property
    def wake_at(self) -> float | None:
        """When the next Tick is due, in seconds since the epoch; ``None`` while nothing is awaited."""
        due = [call.deadline for call in self.hooks.open.values()]
        due += [self.wait.wake_at] if self.wait else []
        due += [self.stop_at] if self.stop_at is not None and self.transition is None else []
        return min(due, default=None)

    def step(self, message: Message) -> list[Effect]:
        """Take in one message; return what the caller must now carry out, in order.

        Raises:
            IllegalTransition: if a request asks what the state does not allow; nothing has happened then.
            InvalidRequest: if another transition is under way; nothing has happened then either.
        """
        match message:
            case Requested():
                return self._request(message)
            case Modified():
                return self._modify(message)
            case TasksMoved():
                return self._take(message) + self._advance(message.at)
            case CallEnded():
                return self._end_call(message) + self._advance(message.at)
            case Tick():
                return self._tick(message.at)

    # --- requests -------------------------------------------------------------------------------

    def _request(self, request: Requested) -> list[Effect]:
        event = request.events[0]
        follow(self.state, event, f"environment {self.id}")
        if event is _E.MODIFY:
            raise InvalidRequest(f"environment {self.id} is modified by a new plan, not by MODIFY alone")
        self._check_free(event, event in OVERTAKES)
        overtaken, self.transition, self.wait = self.transition, None, None
        self.automatic = self.automatic or request.automatic
        effects: list[Effect] = []
        if overtaken:
            by = request.user or "control"
            error = TaskError(f"{overtaken.event} was overtaken by {event}, asked by {by}")
            effects = _answer(overtaken.request, error)
        return effects + self._begin(request)

    def _check_free(self, event: EnvironmentEvent, overtakes: bool) -> None:
        if self.transition and not overtakes:
            raise InvalidRequest(
                f"environment {self.id} is in the middle of {self.transition.event}, asked by "
                f"{self.transition.request.user or 'control'}: ask for {event} when it is over, "
                "or destroy the environment"
            )

    def _begin(self, request: Requested, error: str = "") -> list[Effect]:
        event = request.events[0]
        target = follow(self.state, event, f"environment {self.id}")
        if event is _E.GO_ERROR:
            self.error = request.reason or f"asked for by {request.user or 'control'}"
        if event is _E.START_ACTIVITY:
            self.run_number = request.run_number
        return self._open(request, target, error)

    def _modify(self, wanted: Modified) -> list[Effect]:
        follow(self.state, _E.MODIFY, f"environment {self.id}")
        self._check_free(_E.MODIFY, overtakes=False)
        changes = compare(self.plan, wanted.plan, self.members.excluded, wanted.excluded)
        leaving = [self.members.tasks[task] for task in changes.leaving]
        self.members.replan(wanted.plan, wanted.excluded, keep=leaving)
        self.hooks.replan(wanted.plan)
        tasks = self.members.tasks
        joining = (
            [task.id for task in self.members.taking_part(_E.MODIFY)] if wanted.thorough else changes.joining
        )
        drain = {"drain_ms": str(int(wanted.drain_s * 1000))} if wanted.drain_s else {}
        stop = run.stop_arguments(self.plan.variables, wanted.at) | drain
        waves = [
            Wave(
                goal=STANDING[self.state],
                tasks=tuple(tasks[task] for task in joining),
                launch=True,
                properties=True,
                arguments=self.arguments,
            ),
            Wave(goal=TaskState.STANDBY, tasks=tuple(tasks[t] for t in changes.excluded), arguments=stop),
            Wave(goal=TaskState.DONE, tasks=tuple(leaving), arguments=stop),
        ]
        request = Requested(at=wanted.at, request=wanted.request, events=(_E.MODIFY,), user=wanted.user)
        return self._open(request, self.state, waves=waves)

    def _open(
        self,
        request: Requested,
        target: EnvironmentState,
        error: str = "",
        waves: Sequence[Wave] = (),
    ) -> list[Effect]:
        event = request.events[0]
        self.transition = Transition(
            event=event,
            source=self.state,
            target=target,
            request=request,
            since=request.at,
            stages=deque(agenda(event, self.state, target, self.hooks.moments)),
            waves=deque(wave for wave in waves if wave.tasks),
            error=error,
        )
        return self._advance(request.at)

    # --- the agenda -----------------------------------------------------------------------------

    def _advance(self, at: float) -> list[Effect]:
        """Go through the agenda until something must be waited for, or nothing is left to do."""
        effects: list[Effect] = []
        while self.transition:
            if self.wait:
                if not self.wait.is_over:
                    break
                effects += self._close(self.wait, at)
            elif self.transition.waves:
                effects += self._send(self.transition.waves.popleft(), at)
            elif self.transition.stages:
                effects += self._enact(self.transition.stages.popleft(), at)
            else:
                effects += self._complete(at)
        return effects

    def _enact(self, stage: Stage, at: float) -> list[Effect]:
        match stage:
            case Calls(moment):
                return self._call(moment, at)
            case RunHooks(moment):
                return self._run_hooks(moment, at)
            case ClearHooks(moment):
                return self._clear_hooks(moment, at)
            case Prepare():
                return self._prepare(at)
            case Move():
                return self._move(at)
            case Enter():
                return self._enter()

    def _prepare(self, at: float) -> list[Effect]:
        assert self.transition
        event, milliseconds = self.transition.event, str(int(at * 1000))
        if event is _E.START_ACTIVITY:
            number = str(self.run_number)
            self.variables |= {"run_number": number, "runNumber": number, "run_start_time_ms": milliseconds}
            self.variables |= {"run_end_time_ms": "", "__fmq_cleanup_count": str(self.starts)}
        elif self.run_number is not None and event in (_E.STOP_ACTIVITY, _E.GO_ERROR):
            self.variables["run_end_time_ms"] = milliseconds
        return []

    def _move(self, at: float) -> list[Effect]:
        assert self.transition
        event = self.transition.event
        if event is _E.MODIFY:
            return []  # its waves are there already
        if event is _E.RECOVER:
            self.members.lost.clear()
        wave = wave_of(event, self.members.taking_part(event), self._arguments(event, at))
        if event is _E.GO_ERROR:
            # What runs is stopped, but ERROR is true now and waits for nobody.
            return [Drive(command=command) for command in self._commands(wave, event)]
        return self._send(wave, at)

    def _send(self, wave: Wave, at: float) -> list[Effect]:
        assert self.transition
        event = self.transition.event
        sent = self._commands(wave, event)
        self.wait = Wait(
            kind=Awaited.SETTLED,
            since=at,
            deadline=at + self.timeouts.by_event[event] + self.timeouts.margin,
            acknowledge=self.timeouts.acknowledge,
            gather=self.timeouts.gather,
            waiting={task.id for task in wave.tasks},
            silent={command.host: command for command in sent},
            total=len(wave.tasks),
        )
        return [Drive(command=command) for command in sent]

    def _commands(self, wave: Wave, event: EnvironmentEvent) -> list[Command]:
        self.revision += 1
        return commands(wave, self.id, self.revision, self.timeouts.by_event[event])

    def _arguments(self, event: EnvironmentEvent, at: float) -> dict[str, str]:
        variables = self.plan.variables | self.variables
        if event is _E.START_ACTIVITY and self.run_number is not None:
            self.arguments = run.start_arguments(variables, self.run_number, at, self.starts)
            return self.arguments
        return run.stop_arguments(variables, at) if event in (_E.STOP_ACTIVITY, _E.GO_ERROR) else {}

    def _enter(self) -> list[Effect]:
        assert self.transition
        transition, self.state = self.transition, self.transition.target
        effects: list[Effect] = []
        if transition.event is _E.START_ACTIVITY:
            self.starts += 1
            self.stop_at = run.stop_at(self.plan.variables | self.variables, transition.request.at)
        if transition.event is _E.RECOVER:
            self.error = ""
        if self.state is not _S.RUNNING:
            effects = self._end_run()
        if transition.event is _E.MODIFY:
            return effects
        reason = self.error if self.state is _S.ERROR else transition.request.reason
        news = AnnounceState(environment=self.id, state=self.state, run_number=self.run_number, reason=reason)
        return [*effects, news]

    def _complete(self, at: float) -> list[Effect]:
        assert self.transition
        transition, self.transition = self.transition, None
        request = replace(transition.request, at=at, events=transition.rest)
        effects: list[Effect] = []
        if transition.event is _E.MODIFY:
            self.members.forget_leavers()
        if self.state is _S.DONE:
            effects += [Abandon(call=name) for name in self.hooks.open]
            self.hooks.open.clear()
            effects.append(Release(environment=self.id))
        if not request.events:
            error = TaskError(transition.error) if transition.error else None
            return effects + _answer(transition.request, error) + self._go_on_by_itself(transition, at)
        try:
            return effects + self._begin(request, transition.error)
        except O2Error as error:
            return effects + _answer(request, error)

    def _go_on_by_itself(self, ended: Transition, at: float) -> list[Effect]:
        """An automatic environment ends after its run, or after an error."""
        if not self.automatic or self.transition:
            return []
        if self.state is _S.ERROR:
            return self._begin(Requested(at=at, request="", events=(_E.EXIT,), reason="automatic"))
        if ended.event is _E.STOP_ACTIVITY:
            return self._begin(Requested(at=at, request="", events=(_E.RESET, _E.EXIT), reason="automatic"))
        return []

    # --- hooks ----------------------------------------------------------------------------------

    def _call(self, moment: Moment, at: float) -> list[Effect]:
        begun = self.hooks.begin(moment, at)
        awaited = self.hooks.awaited(moment)
        if awaited:
            deadline = max(self.hooks.open[name].deadline for name in awaited)
            self.wait = Wait(
                kind=Awaited.CALLS, since=at, deadline=deadline, calls=awaited, total=len(awaited)
            )
        return [
            Invoke(
                environment=self.id, call=name, planned=planned, variables=planned.variables | self.variables
            )
            for name, planned in begun.items()
        ]

    def _end_call(self, ended: CallEnded) -> list[Effect]:
        call = self.hooks.open.pop(ended.call, None)
        if call is None:
            return []  # given up already
        if call.planned.result and not ended.error:
            self.variables[call.planned.result] = ended.result
        if self.wait:
            self.wait.calls.discard(ended.call)
        if not ended.error:
            return []
        told = f"call {call.planned.func} of role {call.planned.path} failed: {ended.error}"
        return self._hook_failed(told, call.planned.critical, ended.at)

    def _run_hooks(self, moment: Moment, at: float) -> list[Effect]:
        tasks = self.hooks.tasks(moment)
        if not tasks:
            return []
        wave = Wave(goal=TaskState.RUNNING, tasks=tuple(tasks), launch=True)
        limit = max(task.timeout_s for task in tasks)
        self.revision += 1
        sent = commands(wave, self.id, self.revision, limit)
        self.wait = Wait(
            kind=Awaited.HOOKS,
            since=at,
            deadline=at + limit,
            acknowledge=self.timeouts.acknowledge,
            waiting={task.id for task in tasks},
            silent={command.host: command for command in sent},
            total=len(tasks),
        )
        return [Drive(command=command) for command in sent]

    def _clear_hooks(self, moment: Moment, at: float) -> list[Effect]:
        tasks = self.hooks.tasks(moment)
        if not tasks:
            return []
        return self._send(Wave(goal=TaskState.DONE, tasks=tuple(tasks)), at)

    def _hook_failed(self, told: str, critical: bool, at: float) -> list[Effect]:
        """Act on a failed hook: only a critical one matters, and not on the way to the end or to ERROR."""
        transition = self.transition
        if not critical:
            return []
        if transition is None:
            return self._break(told, at) if self.state not in (_S.ERROR, _S.DONE) else []
        if transition.forgives:
            transition.error = "\n".join(filter(None, (transition.error, told)))
            return []
        return self._fail(f"{transition.event} of environment {self.id} failed: {told}", at)

    # --- what tasks do --------------------------------------------------------------------------

    def _take(self, moved: TasksMoved) -> list[Effect]:
        news, failures = self.members.take(moved)
        if self.wait:
            for report in moved.reports:
                self._note(report, failures.get(report.task), moved.at)
        if self.wait and self._has_it(moved):
            self.wait.heard(moved.host)
        broken = {task: failure for task, failure in failures.items() if self._breaks(task)}
        if broken:
            reason = self.members.tell(f"environment {self.id} in {self.state}", broken)
            return news + self._break(reason, moved.at)
        return news + self._end_of_data(moved)

    def _has_it(self, moved: TasksMoved) -> bool:
        return moved.accepted >= self.revision or any(r.revision >= self.revision for r in moved.reports)

    def _breaks(self, task: TaskId) -> bool:
        """Whether a failure of ``task`` leads to ERROR at once: nothing under way will deal with it."""
        if self.state in (_S.ERROR, _S.DONE) or not self._is_fatal(task):
            return False
        if self.transition and self.transition.forgives:
            return False
        return not (self.wait and task in self.wait.failures)

    def _is_fatal(self, task: TaskId) -> bool:
        return self.members.counts(task) and self.members.tree.root.state is TaskState.ERROR

    def _note(self, report: TaskReport, failure: Failure | None, at: float) -> None:
        """Take note of what a report means for the wait."""
        wait, transition = self.wait, self.transition
        if wait is None or transition is None:
            return
        awaited = report.task in wait.waiting and report.revision >= self.revision
        if wait.kind is Awaited.HOOKS or transition.event is _E.MODIFY:
            over = members.has_ended(report) if wait.kind is Awaited.HOOKS else report.settled
            if awaited and failure:
                wait.failures[report.task] = failure
            if awaited and (failure or over):
                wait.settle(report.task)
        elif failure and self._is_fatal(report.task) and not transition.forgives:
            wait.fail(report.task, failure, at)
        elif awaited and report.settled:
            wait.settle(report.task)

    def _end_of_data(self, moved: TasksMoved) -> list[Effect]:
        """Stop a run whose data have come to their end: END_OF_STREAM, or the end of all basic tasks."""
        if self.state is not _S.RUNNING or self.transition or not self.members.data_ended(moved.reports):
            return []
        return self._begin(
            Requested(at=moved.at, request="", events=(_E.STOP_ACTIVITY,), reason="end of data")
        )

    # --- time, failures, ends -------------------------------------------------------------------

    def _tick(self, at: float) -> list[Effect]:
        effects: list[Effect] = []
        for name in [name for name, call in self.hooks.open.items() if call.deadline <= at]:
            limit = self.hooks.open[name].planned.timeout_s
            ended = CallEnded(at=at, call=name, error=f"it took longer than its timeout of {limit:g} s")
            effects += [Abandon(call=name), *self._end_call(ended)]
        if self.wait and at >= self.wait.deadline:
            effects += self._expire(self.wait, at)
        elif self.wait:
            effects += self.wait.insist(at)
        effects += self._advance(at)
        if self.stop_at is not None and at >= self.stop_at and self.transition is None:
            stop = Requested(at=at, request="", events=(_E.STOP_ACTIVITY,), user="TIMER", reason="auto-stop")
            effects += self._begin(stop)
        return effects

    def _expire(self, wait: Wait, at: float) -> list[Effect]:
        """End a wait whose deadline has come; a task that nobody needs does not spoil the transition."""
        assert self.transition
        strict = self.transition.event in (_E.EXIT, _E.MODIFY) or wait.kind is Awaited.HOOKS
        if not wait.failures or wait.kind is Awaited.HOOKS:
            for task in wait.waiting:
                if strict or self.members.counts(task):
                    silent = self.members.tasks[task].host in wait.silent
                    wait.failures[task] = self.members.overdue(
                        task, self.transition.event, at - wait.since, silent
                    )
        wait.waiting.clear()
        wait.calls.clear()
        return []

    def _close(self, wait: Wait, at: float) -> list[Effect]:
        """Draw the consequences of a wait that is over."""
        assert self.transition
        self.wait = None
        transition = self.transition
        if not wait.failures:
            return []
        what = f"{transition.event} of environment {self.id}"
        reason = self.members.tell(what, wait.failures)
        if wait.kind is Awaited.HOOKS:
            critical = any(self.members.tasks[task].critical for task in wait.failures)
            return self._hooks_failed(reason, critical, at)
        if transition.event is _E.MODIFY:
            return self._take_out(wait.failures, reason)
        if transition.forgives:
            transition.error = "\n".join(filter(None, (transition.error, reason)))
            self.error = "\n".join(filter(None, (self.error, reason)))
            return []
        return self._fail(reason, at)

    def _hooks_failed(self, reason: str, critical: bool, at: float) -> list[Effect]:
        assert self.transition
        left = tuple(
            self.members.tasks[task] for task in self.hooks.task_ids() if self.members.is_alive(task)
        )
        effects: list[Effect] = []
        if left:  # whoever overran its time is ended, whatever becomes of the transition
            sent = self._commands(Wave(goal=TaskState.DONE, tasks=left), _E.EXIT)
            effects = [Drive(command=command) for command in sent]
        return effects + self._hook_failed(reason, critical, at)

    def _take_out(self, failures: dict[TaskId, Failure], reason: str) -> list[Effect]:
        """Leave out of the environment what could not join it; all others go on."""
        assert self.transition
        for task, failure in failures.items():
            self.members.exclude(task, failure.reason)
        self.transition.error = "\n".join(filter(None, (self.transition.error, reason)))
        gone = tuple(self.members.tasks[task] for task in failures)
        sent = self._commands(Wave(goal=TaskState.DONE, tasks=gone), _E.EXIT)
        return [Drive(command=command) for command in sent]

    def _fail(self, reason: str, at: float) -> list[Effect]:
        """The transition under way has failed: go to ERROR, then answer, or end what was being created."""
        assert self.transition
        request, self.transition, self.wait = self.transition.request, None, None
        self.error = reason
        events: tuple[EnvironmentEvent, ...] = () if self.state is _S.ERROR else (_E.GO_ERROR,)
        events += (_E.EXIT,) if request.undo else ()
        if not events:  # RECOVER failed: it is in ERROR already
            return _answer(request, TaskError(reason))
        return self._begin(replace(request, at=at, events=events, reason=reason), error=reason)

    def _break(self, reason: str, at: float) -> list[Effect]:
        """Go to ERROR because of what happened; a transition under way has failed by it."""
        if self.transition:
            return self._fail(reason, at)
        return self._begin(Requested(at=at, request="", events=(_E.GO_ERROR,), reason=reason))

    def _end_run(self) -> list[Effect]:
        number, self.run_number, self.stop_at, self.arguments = self.run_number, None, None, {}
        if number is None:
            return []
        self.variables["last_run_number"] = str(number)
        for name in ("run_number", "runNumber"):
            self.variables.pop(name, None)
        return [EndRun(run_number=number)]


def _answer(request: Requested, error: O2Error | None) -> list[Effect]:
    return [Answer(request=request.request, error=error)] if request.request else []
