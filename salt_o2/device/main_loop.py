"""Main loop of a device, on its main thread: process requests one by one, do the work of each state.

    controller's threads --Request--> inbox --> MainLoop.run: move, work, AUTO --> board --> replies, streams
    signals -------------Shutdown-->

Any failure of this work leads to ERROR, and the process exits with code 1.
"""

from collections.abc import Callable

from salt_o2.device.console import Output
from salt_o2.device.control import transitions as t
from salt_o2.device.control.requests import Request, Shutdown
from salt_o2.device.control.state_board import Board
from salt_o2.device.control.state_machine import StateMachine
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.state_actions import Work
from salt_o2.occ import fairmq_states as n


class MainLoop:
    """One device, from IDLE to its exit code."""

    def __init__(self, work: Work, inbox: Inbox[Request | Shutdown], board: Board, output: Output) -> None:
        """Start in IDLE."""
        self._work, self._inbox, self._board, self._output = work, inbox, board, output
        self._machine = StateMachine(self._entered)
        self._at: dict[str, Callable[[], None]] = {
            n.BINDING: work.bind,
            n.CONNECTING: work.connect,
            n.INITIALIZING_TASK: work.init_task,
            n.RESETTING_TASK: work.reset_task,
            n.RESETTING_DEVICE: work.reset,
        }

    def run(self) -> int:
        """Process requests until EXITING or ERROR, and return the exit code: 0 or 1."""
        while self._machine.state not in t.ENDS:
            match self._inbox.get():
                case Shutdown():
                    self._go_down()
                case request:
                    self._carry_out(request)
        self._turn_away_the_rest()
        return 0 if self._machine.state == n.EXITING else 1

    def _carry_out(self, request: Request) -> None:
        request.refused = not t.possible(self._machine.state, request.event)
        if not request.refused:
            self._apply(request)
        request.done.set()

    def _apply(self, request: Request) -> None:
        """Apply the transition and do the work of the entered state."""
        try:
            self._work.properties.push(request.arguments)
            if request.event == t.COMPLETE_INIT:  # FairMQ initialises before it leaves INITIALIZING DEVICE
                self._work.init()
            if request.event == t.STOP:
                self._work.drain(request.arguments)
            self._machine.apply(request.event)
            if (work := self._at.get(self._machine.state)) is not None:
                work()
                self._machine.apply(t.AUTO)
            elif self._machine.state == n.RUNNING:
                request.done.set()
                self._run_until_stopped()
        except Exception as error:
            self._output.failure(error, f"{request.event} in {self._machine.state}")
            self._machine.apply(t.ERROR_FOUND)

    def _run_until_stopped(self) -> None:
        """Run the user's code. If it returns without a request, the device is READY again."""
        self._work.run()
        self._work.post_run()
        if self._inbox.empty():
            self._machine.apply(t.STOP)

    def _go_down(self) -> None:
        """Take all steps to EXITING from any state. Ignore requests that arrive meanwhile."""
        while self._machine.state not in t.ENDS:
            self._apply(Request(t.DOWN[self._machine.state]))

    def _turn_away_the_rest(self) -> None:
        while not self._inbox.empty():
            if isinstance(request := self._inbox.get(), Request):
                request.refused = True
                request.done.set()

    def _entered(self, before: str, state: str) -> None:
        self._output.say("state", f"{before} ---> {state}")
        self._board.enter(state)
