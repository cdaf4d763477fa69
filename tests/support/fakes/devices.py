"""Devices without a process, with the manners of the C++ ones, good and bad."""

import asyncio
from typing import ClassVar

from salt_o2.device.control.transitions import EVENTS, TARGETS, target
from salt_o2.occ.process_history import ProcessHistory
from salt_o2.occ.wire.replies import DeviceState, Reply, ReplyTimeout, RpcRefused, Trigger


class FakeDevice:
    """Behaves as reference devices do; ``illegal`` has every event that a real one would have hung on.

    ``upset`` maps an event to what happens instead of the step: a state it ends in, a Reply, or an exception.
    """

    def __init__(self, state="IDLE", pid=4242):
        self.state, self.pid = state, pid
        self.history = ProcessHistory()
        self.sent, self.arguments, self.illegal = [], {}, []
        self.upset = {}
        self.states_to_come = []
        self.listens = True
        self.looked = 0
        self.busy = 0
        self.most_at_once = 0

    def __str__(self):
        return "the fake device"

    async def listening(self):
        return self.listens

    async def get_state(self, timeout_s):
        self.looked += 1
        if self.illegal:
            raise ReplyTimeout("GetState was not answered")
        if self.states_to_come:
            self.state = self.states_to_come.pop(0)
        if isinstance(self.state, Exception):
            raise self.state
        return DeviceState(self.state, self.pid)

    async def transition(self, source, event, arguments, timeout_s):
        assert timeout_s < 1000, "every call has a deadline"
        self.busy += 1
        self.most_at_once = max(self.busy, self.most_at_once)
        try:
            await asyncio.sleep(0)
            return self._answer(source, event, arguments)
        finally:
            self.busy -= 1

    def _answer(self, source, event, arguments):
        self.sent.append(event)
        self.arguments[event] = dict(arguments)
        assert event in EVENTS, f"{event} is no event of a FairMQ device"
        if self.state == "ERROR":
            self.illegal.append((self.state, event))
            raise ReplyTimeout(f"{event} was not answered")
        if source != self.state:
            raise RpcRefused(f"state mismatch: source: {source} current: {self.state}", "INVALID_ARGUMENT")
        if (self.state, event) not in TARGETS:
            self.illegal.append((self.state, event))
            raise ReplyTimeout(f"{event} was not answered")
        return self._upset(event) if event in self.upset else self._move(event)

    def _move(self, event):
        self.state = target(self.state, event)
        return Reply(True, Trigger.EXECUTOR, self.state, event)

    def _upset(self, event):
        cause = self.upset[event]
        if isinstance(cause, Exception):
            raise cause
        if isinstance(cause, Reply):
            self.state = cause.state
            return cause
        self.state = cause
        trigger = Trigger.DEVICE_ERROR if cause == "ERROR" else Trigger.EXECUTOR
        return Reply(False, trigger, cause, event)


class FakeLibOcc(FakeDevice):
    """A process in direct mode: says ok to what leads to the state it is in already, and does nothing."""

    MOVES: ClassVar = {
        ("STANDBY", "CONFIGURE"): "CONFIGURED",
        ("CONFIGURED", "START"): "RUNNING",
        ("RUNNING", "STOP"): "CONFIGURED",
        ("CONFIGURED", "RESET"): "STANDBY",
        ("ERROR", "RECOVER"): "STANDBY",
        ("STANDBY", "EXIT"): "DONE",
        ("CONFIGURED", "EXIT"): "DONE",
        ("ERROR", "EXIT"): "DONE",
    }
    GOALS: ClassVar = {event: state for (_, event), state in MOVES.items()}

    def __init__(self, state="STANDBY"):
        super().__init__(state)

    def _answer(self, source, event, arguments):
        self.sent.append(event)
        if source != self.state:
            raise RpcRefused(f"state mismatch: source: {source} current: {self.state}", "INVALID_ARGUMENT")
        if (self.state, event) in self.MOVES:
            self.state = self.MOVES[self.state, event]
            return Reply(True, Trigger.EXECUTOR, self.state, event)
        return Reply(self.state == self.GOALS[event], Trigger.DEVICE_INTENTIONAL, self.state, event)
