"""The control channel of a simulated device, with the interface of ``salt_o2.occ.channel.OccChannel``."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any

from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.occ.control_socket import PinnedSocket
from salt_o2.occ.process_history import ProcessHistory
from salt_o2.occ.wire.codec import codec_named
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, ReplyTimeout
from salt_o2.simulation.machine.device import Device, fail
from salt_o2.simulation.machine.kernel import SimulatedKernel

LOOPBACK_S = 0.001
"""Mean time of a message on the loopback."""


class SimulatedOccChannel:
    """The control channel of the process that listens on a port of one host."""

    def __init__(self, kernel: SimulatedKernel, rng: Random, port: int, codec: str) -> None:
        """Connect at the first call."""
        self._kernel, self._rng = kernel, rng
        self.host, self.port, self.codec = "127.0.0.1", port, codec_named(codec)
        self.history = ProcessHistory()
        self.pinned: PinnedSocket | None = None
        """The model has no Unix sockets."""
        self._device: Device | None = None
        """The device that the connection belongs to, as TCP connections stay with their process."""

    def __str__(self) -> str:
        """Return the address for messages."""
        return f"{self.host}:{self.port} ({self.codec.name})"

    async def listening(self) -> bool:
        """Return whether a process accepts connections there."""
        return self.port in self._kernel.ports

    async def get_state(self, timeout_s: float) -> DeviceState:
        """Ask for the state of the process.

        Raises:
            ReplyTimeout: the process did not answer in time.
            UnreachableError: no process listens there, or another one does.
        """
        answer: asyncio.Future[DeviceState] = asyncio.get_running_loop().create_future()

        def ask(device: Device) -> None:
            if not device.is_hung and not answer.done():
                answer.set_result(device.get_state())

        found: DeviceState = await self._call("GetState", ask, answer, timeout_s)
        if self.history.pid not in (None, found.pid):
            raise UnreachableError(
                f"process {found.pid} answered at {self} instead of process {self.history.pid}"
            )
        return found

    async def transition(
        self, source: str, event: str, arguments: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Request one step and return the reply.

        Raises:
            ReplyTimeout: the process did not answer in time.
            UnreachableError: the process ended.
            RpcRefused: the process refuses the step.
        """
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def ask(device: Device) -> None:
            if not device.is_hung:
                device.transition(source, event, answer)

        reply: Reply = await self._call("Transition", ask, answer, timeout_s)
        return reply

    async def _call(self, method: str, ask: Any, answer: "asyncio.Future[Any]", timeout_s: float) -> Any:
        await asyncio.sleep(self._rng.expovariate(1.0 / LOOPBACK_S))
        device = self._connected()
        # The request reaches the device whatever happens to the agent now.
        self._kernel.later(self._rng.expovariate(1.0 / LOOPBACK_S), ask, device)
        reset = UnreachableError(f"no process answers {method} at {self}: Connection reset")
        late = ReplyTimeout(f"{method} at {self} was not answered within {timeout_s:.3g} s")
        device.waiting[answer] = reset
        timer = asyncio.get_running_loop().call_later(timeout_s, fail, answer, late)
        try:
            return await answer
        finally:
            timer.cancel()
            device.waiting.pop(answer, None)

    def _connected(self) -> Device:
        process = self._kernel.ports.get(self.port)
        program = process.program if process is not None else None
        if not isinstance(program, Device):
            raise UnreachableError(f"no process answers at {self}: Connection refused")
        self._device = program
        return program

    async def states(self) -> AsyncIterator[str]:
        """Yield every state entered from now on (OCC only).

        Raises:
            InvalidRequestError: OCClite has no such stream.
            UnreachableError: the process ended without closing the stream.
        """
        if self.codec.name != "OCC":
            raise InvalidRequestError(f"{self} has no StateStream: only OCC has one")
        reader = self._connected().read_states()
        while (state := await reader.get()) is not None:
            yield state
            if state == "EXITING":
                return
        raise UnreachableError(f"no process answers StateStream at {self}")

    async def events(self) -> AsyncIterator[DeviceEvent]:
        """Yield the signals of the process.

        Raises:
            UnreachableError: the process ended without closing the stream.
        """
        reader = self._connected().read_events()
        while (event := await reader.get()) is not None:
            yield event
            if event is DeviceEvent.NULL:
                return
        raise UnreachableError(f"no process answers EventStream at {self}")

    async def close(self) -> None:
        """Disconnect."""
