"""One transition of one process, step by step, with the reaction to a step that ends elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import NoReturn, Protocol

from salt_o2.core.errors import O2Error, UnreachableError
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.occ.outcome import Outcome, Remedy
from salt_o2.occ.process_history import ProcessHistory
from salt_o2.occ.transition_table import Move, TransitionTable
from salt_o2.occ.wire import arguments
from salt_o2.occ.wire.replies import DeviceState, Reply, ReplyTimeout, RpcRefused, Trigger


class Channel(Protocol):
    """The control channel that a walk needs; :class:`salt_o2.occ.channel.OccChannel` is one."""

    history: ProcessHistory

    async def listening(self) -> bool:
        """Return whether a process accepts connections."""

    async def get_state(self, timeout_s: float) -> DeviceState:
        """Request the state."""

    async def transition(
        self, source: str, event: str, arguments: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Request one step."""


PAUSE_S = 0.010
LEAST_S = 0.5
"""Seconds that a rollback gets even if the deadline has passed."""
ALREADY_THERE = (TaskEvent.STOP, TaskEvent.RESET, TaskEvent.EXIT)

KILL_IT = "the process hangs: kill it and start it again"
RESTART_IT = (
    "it must be restarted: FairMQ breaks a device that is reset from INITIALIZED, so only EXIT is possible"
)


class _WalkEnded(Exception):
    """The walk ended before its goal."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class _StateMismatch(Exception):
    """The process is not in the remembered state, and has refused the first step."""


class TransitionWalk:
    """Takes a process through ``event`` until ``deadline``, a time of the event loop's clock."""

    def __init__(
        self,
        channel: "Channel",
        table: TransitionTable,
        event: TaskEvent,
        arguments: Mapping[str, str],
        deadline: float,
    ) -> None:
        """Prepare the walk; no request is sent yet."""
        self.channel, self.table, self.event = channel, table, event
        self.arguments, self.deadline = arguments, deadline
        self.asked: str = event
        self.state = "-"
        self._by_memory = False

    async def run(self) -> Outcome:
        """Execute all steps; return the state after the last step or after the one that failed."""
        try:
            self.state = self._remembered_state() or await self._settled_state()
            for move in self._steps():
                await self._request_step(move)
        except _WalkEnded as stopped:
            return stopped.outcome
        except _StateMismatch:
            self.asked = self.event
            # No state is remembered now, so this attempt requests it.
            return await self.run()
        remedy = Remedy.RESTART if self._is_worn() else Remedy.NONE
        return Outcome(self.table.task_state(self.state), self.state, None, remedy)

    def _steps(self) -> tuple[Move, ...]:
        """Return the steps from here; no other step is ever sent."""
        if self.event in ALREADY_THERE and self.state == self.table.goals[self.event]:
            return ()
        steps = self.table.walks.get(self.event, {}).get(self.state)
        if steps is None:
            reason = f"{self.event} is not possible in {self.state}; nothing was sent"
            if self.event is TaskEvent.CONFIGURE and self.state in self.table.worn_from:
                self._stop(reason, RESTART_IT, Remedy.RESTART)
            self._stop(reason, self._choice())
        if self.event is TaskEvent.CONFIGURE and self.table.pushes_properties:
            self._check_arguments()
        return steps

    def _choice(self) -> str:
        if self.state == "ERROR" and not self.table.allowed(self.state):
            return "a device does not come back from ERROR, and may hang there: kill it and start it again"
        return f"possible now: {', '.join(self.table.allowed(self.state)) or 'do nothing'}"

    def _check_arguments(self) -> None:
        """Refuse arguments that would bring the device into ERROR or bind forgotten channels."""
        history = self.channel.history
        if history.needs_restart:
            self._stop(history.needs_restart, RESTART_IT, Remedy.RESTART)
        if faults := arguments.faults(self.arguments):
            self._stop("; ".join(faults), "correct the task's properties; nothing was sent")
        channels = arguments.channels_of(self.arguments)
        if forgotten := history.channels - channels:
            names = ", ".join(sorted(forgotten))
            advice = "it must be restarted: a FairMQ device never forgets a channel"
            self._stop(f"channels of an earlier CONFIGURE would come back: {names}", advice, Remedy.RESTART)
        history.channels |= channels

    def _remembered_state(self) -> str:
        """Return the remembered state if the walk can start there without a request for the state.

        A process compares the state in the request with its own, and refuses the request if they differ.
        """
        history = self.channel.history
        state, history.state = history.state, ""
        self._by_memory = state in self.table.walks.get(self.event, {})
        return state if self._by_memory else ""

    async def _settled_state(self) -> str:
        """Return the state of the process, once it is one that it does not leave without a request."""
        while True:
            try:
                found = await self.channel.get_state(self._remaining_s())
            except ReplyTimeout as error:
                self._lose(str(error), KILL_IT)
            except O2Error as error:
                self._lose(str(error), "see whether the process still runs, and its last output")
            if found.state not in self.table.passing:
                return found.state
            if self._remaining_s() <= 0:
                self._lose(f"it stays {found.state}", KILL_IT)
            await asyncio.sleep(PAUSE_S)

    async def _request_step(self, move: Move) -> None:
        """Request one step and confirm its result, or stop."""
        self.asked = move.event
        arguments = self.arguments if move.with_arguments else {}
        try:
            reply = await self.channel.transition(move.source, move.event, arguments, self._remaining_s())
        except ReplyTimeout as error:
            self._lose(str(error), KILL_IT)
        except RpcRefused as error:
            if self._by_memory:
                raise _StateMismatch from error
            await self._look_again(move, str(error))
            return
        except UnreachableError as error:
            if self.table.task_state(move.target) is not TaskState.DONE:
                self._lose(str(error), "see why the process ended")
            # The step asked the process to end, and it has ended.
            self.state = move.target
            return
        self.state, self._by_memory = reply.state, False
        if not _is_good(reply, move):
            await self._fail(_complaint(reply, move))
        self._note_wear(move)

    async def _look_again(self, move: Move, reason: str) -> None:
        """Check the state after a refusal.

        A device may have left RUNNING without a request before STOP arrived. Otherwise the step failed.
        """
        self.state = await self._settled_state()
        if self.event is TaskEvent.STOP and self.state == move.target:
            return
        await self._fail(f"{reason}; it is {self.state}")

    async def _fail(self, reason: str) -> NoReturn:
        """Stop after a failed step, having gone back to the beginning where that is possible."""
        move = self.table.rollback.get(self.state)
        if self.event is not TaskEvent.CONFIGURE or move is None or self.asked == move.event:
            self._stop(reason, self._advice(), Remedy.KILL if self.state == "ERROR" else Remedy.NONE)
        asked, stuck = self.asked, self.state
        self.deadline = max(self.deadline, asyncio.get_running_loop().time() + LEAST_S)
        await self._request_step(move)
        self.asked = asked
        reason = f"{reason}; taken back from {stuck} to {self.state}"
        if self._is_worn():
            self._stop(reason, RESTART_IT, Remedy.RESTART)
        self._stop(reason, "correct the reported error, then CONFIGURE again")

    def _advice(self) -> str:
        if self.state != "ERROR":
            return f"it is {self.state} now and can continue"
        if self.event is TaskEvent.CONFIGURE:
            return (
                "see its output (a port in use, an unknown transport, a property that it reads as a number, "
                "which belongs on the command line); then kill it and start it again"
            )
        return "see its output; then kill it and start it again"

    def _note_wear(self, move: Move) -> None:
        if move.source in self.table.worn_from and move.target == self.table.ready:
            self.channel.history.needs_restart = f"the device was reset from {move.source} before"

    def _is_worn(self) -> bool:
        return bool(self.channel.history.needs_restart) and self.state == self.table.ready

    def _remaining_s(self) -> float:
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    def _lose(self, reason: str, advice: str) -> NoReturn:
        """Stop, because the state of the process cannot be determined any more."""
        failure = Failure(asked=self.asked, state=self.state, reason=reason, advice=advice)
        raise _WalkEnded(Outcome(TaskState.UNKNOWN, self.state, failure, Remedy.KILL))

    def _stop(self, reason: str, advice: str, remedy: Remedy = Remedy.NONE) -> NoReturn:
        if self.state == "ERROR" and not self.table.allowed(self.state):
            remedy = Remedy.KILL
        failure = Failure(asked=self.asked, state=self.state, reason=reason, advice=advice)
        raise _WalkEnded(Outcome(self.table.task_state(self.state), self.state, failure, remedy))


def _is_good(reply: Reply, move: Move) -> bool:
    as_asked = reply.event == move.event and reply.state == move.target
    return reply.ok and reply.trigger is Trigger.EXECUTOR and as_asked


def _complaint(reply: Reply, move: Move) -> str:
    if reply.trigger is Trigger.DEVICE_INTENTIONAL and move.target == "RUNNING":
        return f"it left RUNNING without an order before it answered {move.event}, and is {reply.state}"
    if reply.trigger is Trigger.DEVICE_ERROR or reply.state == "ERROR":
        return f"{move.event} failed in {move.source}, and it is {reply.state}"
    return (
        f"{move.event} should have led from {move.source} to {move.target}, and led to {reply.state} "
        f"(ok={str(reply.ok).lower()}, by {reply.trigger.name}, answering {reply.event})"
    )
