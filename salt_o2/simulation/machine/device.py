"""A model of a FairMQ device with a control channel, and of a program without one.

The state machine is the table of the real devices in Python. Trouble is drawn when a device starts: it may be
slow, hang, refuse a step, crash or go to ERROR in one step, leave RUNNING by itself, or ignore SIGTERM.
"""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from salt_o2.device.control import transitions
from salt_o2.occ import fairmq_states as states
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, RpcRefused, Trigger
from salt_o2.simulation.machine.kernel import Process, SimulatedKernel

START_S, STEP_S = 0.3, 0.01
"""Mean time of a start and of a step."""
EXIT_S = 0.02


class Trouble(StrEnum):
    """What goes wrong with one device."""

    NONE = "none"
    CRASH = "crash"
    ERROR = "error"
    HANG = "hang"
    SLOW = "slow"
    EXIT_EARLY = "exit early"
    LEAVES_RUNNING = "leaves RUNNING"
    IGNORES_TERM = "ignores SIGTERM"
    LEAVES_SESSION = "a child leaves the session"
    REFUSES = "refuses"


STEPS = ("start", *(event for event in transitions.EVENTS if event != transitions.ERROR_FOUND))
STEP_NAMES = tuple(sorted(STEPS))


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one process behaves; ``step`` is where its trouble happens."""

    trouble: Trouble = Trouble.NONE
    step: str = ""
    after_s: float = 0.0


DrawBehaviour = Callable[[str], Behaviour]
"""Returns the behaviour of the next process of a host."""


class Device:
    """One FairMQ device."""

    def __init__(self, kernel: SimulatedKernel, rng: Random, port: int, behaviour: Behaviour) -> None:
        """Listen at ``port`` once started."""
        self._kernel, self._rng, self.port, self.behaviour = kernel, rng, port, behaviour
        self.state = states.IDLE
        self.is_hung = False
        self._process: Process | None = None
        self._busy = False
        self._waiting: list[Callable[[], None]] = []
        self._state_readers: list[asyncio.Queue[str | None]] = []
        self._event_readers: list[asyncio.Queue[DeviceEvent | None]] = []
        self._told_to_end = False
        self.waiting: dict[asyncio.Future[Any], Exception] = {}
        """Answers that clients wait for, each with its error if the process ends before."""

    @property
    def pid(self) -> int:
        """Return the pid that the device reports."""
        return self._process.pid if self._process is not None else 0

    @property
    def process(self) -> Process | None:
        """Return the process of the device; ``None`` once it has ended."""
        return self._process

    def begin(self, process: Process) -> None:
        """Start; the port is open after a while."""
        self._process = process
        self._kernel.later(self._duration(START_S, "start"), self._listen)

    def _duration(self, mean_s: float, step: str) -> float:
        if self.behaviour.trouble is Trouble.SLOW and self.behaviour.step == step:
            return self.behaviour.after_s
        return self._rng.expovariate(1.0 / mean_s)

    def _strikes(self, trouble: Trouble, step: str) -> bool:
        return self.behaviour.trouble is trouble and self.behaviour.step == step

    def _listen(self) -> None:
        process = self._process
        if process is None or not process.runs or self._trouble_of("start"):
            return
        if not self._kernel.listen(process, self.port):
            self._kernel.finish(process, 1)
            return
        if self.behaviour.trouble is Trouble.LEAVES_SESSION:
            self._kernel.add_member(process)

    def _trouble_of(self, step: str) -> bool:
        """Let the trouble of ``step`` happen; return whether the device cannot go on."""
        assert self._process is not None
        if self._strikes(Trouble.CRASH, step):
            self._kernel.crash(self._process)
            return True
        if self._strikes(Trouble.EXIT_EARLY, step):
            self._kernel.finish(self._process, 3)
            return True
        if self._strikes(Trouble.HANG, step):
            self.is_hung = True
            return True
        return False

    # --- requests -------------------------------------------------------------------------------

    def get_state(self) -> DeviceState:
        """Return the present state."""
        return DeviceState(self.state, self.pid)

    def transition(self, source: str, event: str, answer: "asyncio.Future[Reply]") -> None:
        """Carry out one step, after those that are in progress, and set ``answer``."""
        if self._busy:
            self._waiting.append(lambda: self.transition(source, event, answer))
            return
        self._busy = True
        if event not in transitions.EVENTS:
            self._refuse(answer, "Unexpected error in RPC handling", "UNKNOWN")
        elif source != self.state:
            text = f"transition not possible: state mismatch: source: {source} current: {self.state}"
            self._refuse(answer, text, "INVALID_ARGUMENT")
        elif not transitions.possible(self.state, event):
            self._refuse(answer, f"{event} is not possible in {self.state}", "FAILED_PRECONDITION")
        elif self._strikes(Trouble.REFUSES, event):
            self._refuse(answer, f"{event} is refused", "CANCELLED")
        else:
            self._kernel.later(self._duration(STEP_S, event), self._step, source, event, answer)

    def _refuse(self, answer: "asyncio.Future[Reply]", text: str, status: str) -> None:
        fail(answer, RpcRefused(text, status))
        self._next()

    def _step(self, source: str, event: str, answer: "asyncio.Future[Reply]") -> None:
        process = self._process
        if process is None or not process.runs or self.is_hung or self._trouble_of(event):
            return
        if self._strikes(Trouble.ERROR, event):
            self._enter(states.ERROR)
            self._kernel.later(EXIT_S, self._kernel.finish, process, 1)
            self._reply(answer, Reply(False, Trigger.DEVICE_ERROR, states.ERROR, event))
            return
        if self.state != source:
            text = f"state mismatch: source: {source} current: {self.state}"
            self._refuse(answer, text, "INVALID_ARGUMENT")
            return
        self._enter(transitions.target(source, event))
        self._reply(answer, Reply(True, Trigger.EXECUTOR, self.state, event))
        if self.state == states.EXITING:
            self._kernel.later(self._duration(EXIT_S, "exit"), self._kernel.finish, process, 0)
        if self.state == states.RUNNING and self.behaviour.trouble is Trouble.LEAVES_RUNNING:
            self._kernel.later(self.behaviour.after_s, self._leave_running)
        self._next()

    def _reply(self, answer: "asyncio.Future[Reply]", reply: Reply) -> None:
        if not answer.done():
            answer.set_result(reply)

    def _next(self) -> None:
        self._busy = False
        if self._waiting:
            self._waiting.pop(0)()

    def _leave_running(self) -> None:
        if self.state == states.RUNNING and self._process is not None and not self.is_hung:
            self._enter(states.READY)

    def _enter(self, state: str) -> None:
        self.state = state
        for reader in self._state_readers:
            reader.put_nowait(state)
        if state in (states.EXITING, states.ERROR):
            for events in self._event_readers:
                events.put_nowait(DeviceEvent.NULL)

    def read_states(self) -> "asyncio.Queue[str | None]":
        """Return a queue of all states entered from now on; ``None`` when the process has ended."""
        self._state_readers.append(asyncio.Queue())
        return self._state_readers[-1]

    def read_events(self) -> "asyncio.Queue[DeviceEvent | None]":
        """Return a queue of all signals from now on; ``None`` when the process has ended."""
        self._event_readers.append(asyncio.Queue())
        return self._event_readers[-1]

    # --- signals --------------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """React as a device in Python does: leave in order on SIGTERM, abort on a later SIGINT."""
        process = self._process
        if process is None or number not in (signal.SIGTERM, signal.SIGINT):
            return
        if self.behaviour.trouble is Trouble.IGNORES_TERM:
            return
        if self._told_to_end and number is signal.SIGINT:
            self._kernel.crash(process, signal.SIGABRT)
        elif not self._told_to_end:
            self._told_to_end = True
            if not self.is_hung:
                self._kernel.later(self._rng.expovariate(1.0 / EXIT_S), self._go_down)

    def _go_down(self) -> None:
        if self._process is not None and self._process.runs:
            self._enter(states.EXITING)
            self._kernel.finish(self._process, 0)

    def ended(self) -> None:
        """End all connections."""
        self._process = None
        for answer, error in self.waiting.items():
            fail(answer, error)
        self.waiting.clear()
        for states_reader in self._state_readers:
            states_reader.put_nowait(None)
        for events_reader in self._event_readers:
            events_reader.put_nowait(None)


def fail(answer: "asyncio.Future[Any]", error: Exception) -> None:
    """Let ``answer`` raise ``error``, unless it is done."""
    if not answer.done():
        answer.set_exception(error)


class PlainProgram:
    """A program without a control channel: it runs until a signal, or ends by itself."""

    def __init__(self, kernel: SimulatedKernel, behaviour: Behaviour) -> None:
        """Behave as drawn."""
        self._kernel, self._behaviour = kernel, behaviour
        self._process: Process | None = None

    def begin(self, process: Process) -> None:
        """Run."""
        self._process = process
        match self._behaviour.trouble:
            case Trouble.CRASH:
                self._kernel.later(self._behaviour.after_s, self._kernel.crash, process)
            case Trouble.EXIT_EARLY:
                self._kernel.later(self._behaviour.after_s, self._kernel.finish, process, 3)
            case Trouble.LEAVES_SESSION:
                self._kernel.add_member(process)

    def signal(self, number: signal.Signals) -> None:
        """End on SIGTERM and SIGINT."""
        process = self._process
        if process is None or self._behaviour.trouble is Trouble.IGNORES_TERM:
            return
        if number in (signal.SIGTERM, signal.SIGINT):
            self._kernel.crash(process, number)

    def ended(self) -> None:
        """Stop."""
        self._process = None
