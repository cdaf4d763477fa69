"""The part of an environment's machine that runs hooks and calls at their moments."""

from salt_o2.core.agenda import Calls, ClearHooks, Enter, ForgetHooks, Move, Prepare, Rest, RunHooks, Stage
from salt_o2.core.course import Course
from salt_o2.core.messages.effects import Drive, Effect, Invoke
from salt_o2.core.messages.inputs import CallEnded
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState
from salt_o2.core.tasks.orders import Wave, commands
from salt_o2.core.wait import Awaited, Wait

_E, _S = EnvironmentEvent, EnvironmentState


class HookSteps(Course):
    """Begins each stage, those of hooks among them."""

    def _enact(self, stage: Stage, at: float) -> list[Effect]:
        match stage:
            case Calls(moment):
                return self._call(moment, at)
            case RunHooks(moment):
                return self._run_hooks(moment, at)
            case ClearHooks(moment):
                return self._clear_hooks(moment, at)
            case ForgetHooks(moment):
                return self._forget_hooks(moment)
            case Prepare():
                return self._prepare(at)
            case Rest():
                return self._rest(at)
            case Move():
                return self._leave_no_hook() + self._move(at)
            case Enter():
                return self._enter()

    def _rest(self, at: float) -> list[Effect]:
        """Bring to STANDBY whoever may be kept; who does not get there ends with the others."""
        return self._send(Wave(goal=TaskState.STANDBY, tasks=self.members.keepable()), at)

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
        self.hooks.begun |= {task.id for task in tasks}
        wave = Wave(goal=TaskState.RUNNING, tasks=tuple(tasks), launch=True)
        limit = max(task.timeout_s for task in tasks)
        self.revision += 1
        sent = commands(wave, self.id, self.revision, limit)
        self.wait = Wait(
            kind=Awaited.HOOKS,
            revision=self.revision,
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
        return self._send(Wave(goal=TaskState.DONE, tasks=tuple(tasks)), at) if tasks else []

    def _forget_hooks(self, moment: Moment) -> list[Effect]:
        self.hooks.begun -= {task.id for task in self.hooks.tasks(moment)}
        return []

    def _leave_no_hook(self) -> list[Effect]:
        """See, on the way to the end or to ERROR, that nothing goes on of what was cut short."""
        assert self.transition
        if self.transition.event is _E.EXIT and (left := self._hooks_begun()):
            self.transition.waves.append(Wave(goal=TaskState.DONE, tasks=left))
        return self._end_hooks() if self.transition.event is _E.GO_ERROR else []

    def _end_hooks(self) -> list[Effect]:
        """Order all hooks that were begun to end, whether they have answered or not, and wait for nobody."""
        left = self._hooks_begun()
        sent = self._commands(Wave(goal=TaskState.DONE, tasks=left), _E.EXIT) if left else []
        return [Drive(command=command) for command in sent]

    def _hooks_begun(self) -> tuple[PlannedTask, ...]:
        return tuple(self.members.tasks[id] for id in sorted(self.hooks.begun) if id in self.members.tasks)

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
        head = f"{transition.event} of environment {self.id} failed: "
        return self._fail(head + told.removeprefix(head), at)  # task hooks are told with it already

    def _hooks_failed(self, reason: str, critical: bool, at: float) -> list[Effect]:
        # Whoever overran its time is ended by what follows, the next stage or GO_ERROR; in ERROR by neither.
        assert self.transition
        last = critical and self.state is _S.ERROR and not self.transition.forgives
        return (self._end_hooks() if last else []) + self._hook_failed(reason, critical, at)
