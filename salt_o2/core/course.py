"""The course of an environment: its transitions, stage by stage, and what follows from failures.

This is the lowest layer of the machine in core/environment.py: Course, HookSteps, ReshapeSteps, RepairSteps,
ReportSteps, Environment.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace

from salt_o2.core.above import Above
from salt_o2.core.agenda import agenda
from salt_o2.core.errors import O2Error, TaskError
from salt_o2.core.hooks import Hooks
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.members import Members
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import Abandon, Answer, Drive, Effect, EndRun, OpenRun, Release
from salt_o2.core.messages.inputs import Requested
from salt_o2.core.messages.reports import Failure
from salt_o2.core.plan import run_arguments
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.pool.handover import handed_over, still_resting
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState, follow
from salt_o2.core.tasks.orders import Wave, commands, wave_of
from salt_o2.core.tasks.restarts import Repairs, budget_of
from salt_o2.core.transition import NOBODY, Transition
from salt_o2.core.wait import Awaited, Wait

_E, _S = EnvironmentEvent, EnvironmentState


class Course(Above):
    """Goes through the agenda of one transition after the other."""

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
        self.repairs = Repairs(budget_of(plan.variables))
        self.hooks = Hooks(plan)

    @property
    def plan(self) -> Plan:
        """What the environment is made of."""
        return self.members.plan

    def _begin(self, request: Requested, error: str = "") -> list[Effect]:
        event = request.events[0]
        target = follow(self.state, event, f"environment {self.id}")
        if event is _E.GO_ERROR:
            self.error = request.reason or f"asked for by {request.user or 'control'}"
        if event is _E.START_ACTIVITY:
            return self._open_run(request) + self._open(request, target, error)
        return self._open(request, target, error)

    def _open(
        self,
        request: Requested,
        target: EnvironmentState,
        error: str = "",
        waves: Sequence[Wave] = (),
        parting: Wave = NOBODY,
        may_exclude: Collection[TaskId] = (),
    ) -> list[Effect]:
        event = request.events[0]
        self.transition = Transition(
            event=event,
            source=self.state,
            target=target,
            request=request,
            since=request.at,
            stages=deque(agenda(event, self.state, target, self.hooks.moments, keep=request.keep)),
            waves=deque(wave for wave in waves if wave.tasks),
            parting=parting,
            may_exclude=frozenset(may_exclude),
            error=error,
        )
        return self._advance(request.at)

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

    def _prepare(self, at: float) -> list[Effect]:
        assert self.transition
        event, milliseconds = self.transition.event, str(int(at * 1000))
        if event is _E.START_ACTIVITY:
            number = str(self.run_number)
            self.variables |= {"run_number": number, "runNumber": number, "run_start_time_ms": milliseconds}
            self.variables |= {"run_end_time_ms": "", "__fmq_cleanup_count": str(self.starts)}
        elif self.run_number is not None and event in (_E.STOP_ACTIVITY, _E.GO_ERROR):
            self.variables["run_end_time_ms"] = run_arguments.end_time_ms(self.variables, at)
        return []

    def _move(self, at: float) -> list[Effect]:
        assert self.transition
        event = self.transition.event
        if event is _E.MODIFY:
            return self._part(at)  # the other waves have been there already
        if event is _E.RECOVER:
            self.members.regain_all()
        if event is _E.EXIT and self.transition.request.keep:
            self.transition.kept = self.members.resting(self.transition.rested)
        moving = [task for task in self.members.taking_part(event) if task.id not in self.transition.kept]
        wave = wave_of(event, moving, self._arguments(event, at), self.repairs.open)
        self.repairs.open.clear()  # whoever was to be brought back is brought along
        if event is _E.GO_ERROR:
            # What runs is stopped, but ERROR is true now and waits for nobody.
            return [Drive(command=command) for command in self._commands(wave, event)]
        return self._send(wave, at)

    def _send(self, wave: Wave, at: float) -> list[Effect]:
        assert self.transition
        event = self.transition.event
        sent = self._commands(wave, event)
        if wave.goal is TaskState.STANDBY:
            self.transition.rested = self.revision
        self.wait = Wait(
            kind=Awaited.SETTLED,
            revision=self.revision,
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
            self.arguments = run_arguments.start_arguments(variables, self.run_number, at, self.starts)
            return self.arguments
        return run_arguments.stop_arguments(variables, at) if event in (_E.STOP_ACTIVITY, _E.GO_ERROR) else {}

    def _enter(self) -> list[Effect]:
        assert self.transition
        transition, self.state = self.transition, self.transition.target
        effects: list[Effect] = []
        if transition.event is _E.START_ACTIVITY:
            self.starts += 1
            self.stop_at = self._stop_time(transition)
        if transition.event is _E.RECOVER:
            self.error = ""
        if self.state is not _S.RUNNING:
            effects = self._end_run()
        if transition.event is _E.MODIFY:
            return effects
        reason = self.error if self.state is _S.ERROR else transition.request.reason
        news = AnnounceState(environment=self.id, state=self.state, run_number=self.run_number, reason=reason)
        return [*effects, news]

    def _stop_time(self, transition: Transition) -> float | None:
        """Return when the run stops by itself; a time that nobody can read stops nothing, and is told."""
        try:
            return run_arguments.stop_at(self.plan.variables | self.variables, transition.request.at)
        except O2Error as error:
            transition.error = f"the run will not stop by itself: auto_stop_timeout: {error}"
            return None

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
            kept, others = still_resting(self.members, transition.kept)
            sent = self._commands(others, _E.EXIT) if others.tasks else []
            effects += [Drive(command=command) for command in sent]
            by = transition.request.user
            effects += handed_over(self.members, kept, self.id, self.revision, by)
            effects.append(Release(environment=self.id))
        if not request.events:
            error = TaskError(transition.error) if transition.error else None
            return effects + answer_to(transition.request, error) + self._go_on_by_itself(transition, at)
        try:
            return effects + self._begin(request, transition.error)
        except O2Error as error:
            return effects + answer_to(request, error)

    def _go_on_by_itself(self, ended: Transition, at: float) -> list[Effect]:
        """An automatic environment ends after its run, or after an error."""
        if not self.automatic or self.transition:
            return []
        if self.state is _S.ERROR:
            return self._begin(Requested(at=at, request="", events=(_E.EXIT,), reason="automatic"))
        if ended.event is _E.STOP_ACTIVITY:
            return self._begin(Requested(at=at, request="", events=(_E.RESET, _E.EXIT), reason="automatic"))
        return []

    def _expire(self, wait: Wait, at: float) -> list[Effect]:
        """End a wait whose deadline has come; a task that nobody needs does not spoil the transition."""
        assert self.transition
        event = self.transition.event
        strict = event in (_E.EXIT, _E.MODIFY) or wait.kind is Awaited.HOOKS
        failures: dict[TaskId, Failure] = {}
        if not wait.failures or event is _E.MODIFY or wait.kind is Awaited.HOOKS:
            for task in wait.waiting:
                if strict or self.members.counts(task):
                    silent = self.members.tasks[task].host in wait.silent
                    failures[task] = self.members.overdue(task, event, at - wait.since, silent)
        wait.waiting.clear()
        wait.calls.clear()
        needed = {task: failure for task, failure in failures.items() if self._is_needed(task)}
        wait.failures |= {task: failure for task, failure in failures.items() if task not in needed}
        return self._go_by_policy(needed, at) if needed else []

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

    def _fail(self, reason: str, at: float) -> list[Effect]:
        """The transition under way has failed: go to ERROR, then answer, or end what was being created."""
        assert self.transition
        request, self.transition, self.wait = self.transition.request, None, None
        self.error = reason
        events: tuple[EnvironmentEvent, ...] = () if self.state is _S.ERROR else (_E.GO_ERROR,)
        events += (_E.EXIT,) if request.undo else ()
        if not events:  # RECOVER failed: it is in ERROR already
            return answer_to(request, TaskError(reason))
        return self._begin(replace(request, at=at, events=events, reason=reason), error=reason)

    def _break(self, reason: str, at: float) -> list[Effect]:
        """Go to ERROR because of what happened; a transition under way has failed by it."""
        if self.transition:
            return self._fail(reason, at)
        return self._begin(Requested(at=at, request="", events=(_E.GO_ERROR,), reason=reason))

    def _open_run(self, request: Requested) -> list[Effect]:
        self.run_number = request.run_number
        if self.run_number is None:
            return []
        return [OpenRun(run_number=self.run_number, started=request.at, user=request.user)]

    def _end_run(self) -> list[Effect]:
        number, self.run_number, self.stop_at, self.arguments = self.run_number, None, None, {}
        if number is None:
            return []
        self.variables["last_run_number"] = str(number)
        for name in ("run_number", "runNumber"):
            self.variables.pop(name, None)
        return [EndRun(run_number=number)]


def answer_to(request: Requested, error: O2Error | None) -> list[Effect]:
    """Return the answer to ``request``, if anybody waits for one."""
    return [Answer(request=request.request, error=error)] if request.request else []
