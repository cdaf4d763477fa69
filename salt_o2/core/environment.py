"""The machine of one environment: messages in, effects out. No I/O, no clock.

    Requested, Modified --> a Transition: its agenda of stages, one after the other (core/course.py)
                              stage: calls, hooks (core/hook_steps.py), tasks --> effects, and a Wait
                              of another plan: core/reshape_steps.py
    TasksMoved (core/report_steps.py), CallEnded --> the Wait; then the next stage, event, or Answer
    Tick -------------------> insist on silent hosts; a deadline has come

A failed transition leads to ERROR: what runs is stopped, and the reason is kept and announced. While an
environment is being created (``undo``) it is then ended, so that no process and no resource stays behind. A
modification that fails leaves the environment in its state, without the tasks that could not join.
"""

from salt_o2.core.course import answer_to
from salt_o2.core.errors import InvalidRequest, TaskError
from salt_o2.core.messages.effects import Abandon, Effect
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    HostRenamed,
    HostSilent,
    Message,
    Modified,
    NotReplaced,
    RecoverTask,
    Requested,
    TasksMoved,
    Tick,
)
from salt_o2.core.report_steps import ReportSteps
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, follow

_E, _S = EnvironmentEvent, EnvironmentState
OVERTAKES = (_E.EXIT, _E.GO_ERROR)
"""Events that need not wait for the end of a transition under way."""


class Environment(ReportSteps):
    """One environment; ``step`` is the only way to change it."""

    @property
    def wake_at(self) -> float | None:
        """When the next Tick is due, in seconds since the epoch; ``None`` while nothing is awaited."""
        due = [call.deadline for call in self.hooks.open.values()]
        due += [self.wait.wake_at] if self.wait else []
        due += [self.repairs.wake_at] if self.repairs.wake_at is not None and self._stands() else []
        due += [self.stop_at] if self.stop_at is not None and self.transition is None else []
        return min(due, default=None)

    def step(self, message: Message) -> list[Effect]:
        """Take in one message; return what the caller must now carry out, in order.

        Raises:
            IllegalTransition: if a request asks what the state does not allow; nothing has happened then.
            InvalidRequest: if another transition is under way; nothing has happened then either.
        """
        return self._take_in(message) + self._conclude_run(message.at)

    def _take_in(self, message: Message) -> list[Effect]:
        match message:
            case Requested():
                return self._request(message)
            case Modified():
                return self._modify(message)
            case TasksMoved():
                return self._take(message) + self._advance(message.at)
            case CallEnded():
                return self._end_call(message) + self._advance(message.at)
            case RecoverTask():
                return self._recover_now(message)
            case HostLost():
                return self._lose_host(message) + self._advance(message.at)
            case HostSilent():
                return self.members.miss(message.host, message.reason)
            case HostRenamed():
                return self._rename_host(message)
            case NotReplaced():
                return self._note_homeless(message)
            case Tick():
                return self._tick(message.at)

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
            effects = answer_to(overtaken.request, error)
        return effects + self._begin(request)

    def _check_free(self, event: EnvironmentEvent, overtakes: bool) -> None:
        if self.transition and not overtakes:
            raise InvalidRequest(
                f"environment {self.id} is in the middle of {self.transition.event}, asked by "
                f"{self.transition.request.user or 'control'}: ask for {event} when it is over, "
                "or destroy the environment"
            )

    def _modify(self, wanted: Modified) -> list[Effect]:
        follow(self.state, _E.MODIFY, f"environment {self.id}")
        self._check_free(_E.MODIFY, overtakes=False)
        return self._reshape(wanted)

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
        effects += self._advance(at) + self._mend(at)
        if self.stop_at is not None and at >= self.stop_at and self.transition is None:
            stop = Requested(at=at, request="", events=(_E.STOP_ACTIVITY,), user="TIMER", reason="auto-stop")
            effects += self._begin(stop)
        return effects
