"""Controller's interface to a device: answer GetState and Transition from the board and the inbox."""

import os
from threading import Lock

from salt_o2.device.control.requests import Request, Shutdown
from salt_o2.device.control.state_board import Board, Changes
from salt_o2.device.control.transitions import EVENTS, possible, target
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.occ.fairmq_states import ERROR
from salt_o2.occ.wire.replies import DeviceState, Reply, RpcRefused, Trigger
from salt_o2.occ.wire.server_codec import Asked


class Controlled:
    """Accept one request at a time, from any thread."""

    def __init__(self, inbox: Inbox[Request | Shutdown], board: Board) -> None:
        """Connect the server's threads to the device's thread."""
        self._inbox, self._board = inbox, board
        self._lock = Lock()

    def state(self) -> DeviceState:
        """Return the current state."""
        return DeviceState(self._board.state, os.getpid())

    def subscribe(self, changes: Changes) -> None:
        """Put every later state into ``changes``."""
        self._board.subscribe(changes)

    def unsubscribe(self, changes: Changes) -> None:
        """Stop putting states into ``changes``."""
        self._board.unsubscribe(changes)

    def transition(self, asked: Asked) -> Reply:
        """Request one step, wait for it, and return the resulting state.

        Raises:
            RpcRefused: UNKNOWN if the name is not an event, INVALID_ARGUMENT if the device is not in the
                state that the controller assumes, FAILED_PRECONDITION if the event is not possible in that
                state.
        """
        with self._lock:
            self._check(asked)
            request = Request(asked.event, asked.arguments)
            self._inbox.put(request)
            request.done.wait()
            if request.refused:
                raise _mismatch(asked.source, self._board.state)
            return _reply(asked, self._board.state)

    def _check(self, asked: Asked) -> None:
        if asked.event not in EVENTS:
            raise RpcRefused("Unexpected error in RPC handling", "UNKNOWN")
        state = self._board.state
        if asked.source != state:
            raise _mismatch(asked.source, state)
        if not possible(state, asked.event):
            raise RpcRefused(f"{asked.event} is not possible in {state}", "FAILED_PRECONDITION")


def _mismatch(source: str, current: str) -> RpcRefused:
    text = f"transition not possible: state mismatch: source: {source} current: {current}"
    return RpcRefused(text, "INVALID_ARGUMENT")


def _reply(asked: Asked, state: str) -> Reply:
    as_asked = state == target(asked.source, asked.event)
    if state == ERROR:
        return Reply(as_asked, Trigger.DEVICE_ERROR, state, asked.event)
    trigger = Trigger.EXECUTOR if as_asked else Trigger.DEVICE_INTENTIONAL
    return Reply(as_asked, trigger, state, asked.event)
