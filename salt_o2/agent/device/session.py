"""The control channel of one running task, and the messages that its process sends unasked.

The module that imports grpc is loaded when the first task needs it: Salt forks its processes, and grpc does
not survive a fork.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.concurrency.background_loops import keep_running
from salt_o2.core.errors import O2Error
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent, TaskState
from salt_o2.occ import driver
from salt_o2.occ.control_socket import PinnedSocket
from salt_o2.occ.outcome import Outcome
from salt_o2.occ.transition_walk import Channel
from salt_o2.occ.wire.arguments import channels_of


class DeviceChannel(Channel, Protocol):
    """A control channel with its streams; :class:`salt_o2.occ.channel.OccChannel` is one."""

    host: str
    port: int
    codec: Any
    pinned: PinnedSocket | None

    def states(self) -> AsyncIterator[str]:
        """Yield every state that the process enters."""

    def events(self) -> AsyncIterator[Any]:
        """Yield the signals of the process."""

    async def close(self) -> None:
        """Disconnect."""


OpenChannel = Callable[[int, str, Path | None], DeviceChannel]
"""Returns the control channel of the process at a port, by the name of its codec, and its Unix socket."""
HEARD_S = 0.5
"""A process that reported its state within this time is not polled."""
FIND_AGAIN_S = 0.1
FOLLOW_AGAIN_S = 1.0
"""A broken stream is opened again after this time: the process may still run."""
NULL = "NULL"


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A task's state, the process's own name of it, and the pid that the process reports."""

    state: TaskState
    word: str
    pid: int


class DeviceSession:
    """Communicates with the OCC server of one process."""

    def __init__(
        self,
        launch: Launch,
        rounds: PollingBudget,
        open_channel: OpenChannel | None = None,
        private: Path | None = None,
    ) -> None:
        """Open no connection yet. Poll at the period of ``rounds`` if the process announces no moves.

        ``private`` is where the process has its Unix socket, if it has one.
        ``open_channel`` is by default :class:`salt_o2.occ.channel.OccChannel`.
        """
        if launch.control_port is None:
            raise ValueError(f"a task of mode {launch.mode} needs a control port")
        self.mode = launch.mode
        codec = "OCC" if launch.mode is ControlMode.DIRECT else launch.codec
        self.channel = (open_channel or _occ_channel)(launch.control_port, codec, private)
        self._rounds, self._heard_at = rounds, 0.0
        self._watchers: list[asyncio.Task[None]] = []
        self.last_streamed = ""
        """The state, by the process's own name, that it announced last, if a stream announces states."""

    async def ready(self, pid_is_ours: driver.PidCheck, timeout_s: float) -> Outcome:
        """Wait until the process can be configured; see :func:`salt_o2.occ.driver.wait_ready`."""
        return self._noted(await driver.wait_ready(self.channel, self.mode, pid_is_ours, timeout_s))

    async def fire(self, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float) -> Outcome:
        """Take the process through ``event``; see :func:`salt_o2.occ.driver.fire`."""
        return self._noted(await driver.send_event(self.channel, self.mode, event, arguments, timeout_s))

    def _noted(self, outcome: Outcome) -> Outcome:
        """Remember the state: the next step need not poll it, because a stream announces each move."""
        self.channel.history.state = "" if outcome.failure else outcome.device_state
        self._heard_at = asyncio.get_running_loop().time()
        return outcome

    async def poll_state(self, timeout_s: float) -> ObservedState:
        """Return the present state of the process.

        Raises:
            UnreachableError: the process does not answer.
            TaskError: the answer is invalid.
        """
        found = await self.channel.get_state(timeout_s)
        return ObservedState(driver.TABLES[self.mode].task_state(found.state), found.state, found.pid)

    async def wait_for_state(self, timeout_s: float) -> ObservedState:
        """Return the state of the process, polling again until it answers.

        Raises:
            O2Error: the process does not answer within ``timeout_s`` seconds.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + timeout_s
        while True:
            try:
                return await self.poll_state(max(0.05, until - clock()))
            except O2Error:
                if clock() + FIND_AGAIN_S > until:
                    raise
                await asyncio.sleep(FIND_AGAIN_S)

    def record_state(self, known: TaskRecord) -> None:
        """Record in ``known`` the facts that the process cannot report later."""
        history = self.channel.history
        known.channels, known.needs_restart = sorted(history.channels), history.needs_restart

    def restore(self, known: TaskRecord) -> None:
        """Restore the facts that an earlier agent recorded."""
        history = self.channel.history
        history.pid, history.needs_restart = known.reported_device_id or known.pid, known.needs_restart
        history.channels = {*known.channels, *channels_of(known.configured or {})}

    def watch(
        self, look: Callable[[], None], announce: Callable[[str], None], running: Callable[[], bool]
    ) -> None:
        """Call ``look`` when the process may have moved, ``announce`` with each signal that it sends.

        If no stream announces moves, the process is polled from time to time while it is ``running``.
        """
        if self._watchers:
            return

        def stirred() -> None:
            # The remembered state may be out of date.
            self.channel.history.state = ""
            look()

        occ = self.channel.codec.name == "OCC"
        follow = {"states": self._follow_states(stirred) if occ else self._poll(look, running)}
        # FairMQ under OCC sends no events.
        if not occ or self.mode is ControlMode.DIRECT:
            follow["events"] = self._follow_events(stirred, announce)
        self._watchers = [keep_running(f"{what} of {self.channel}", each) for what, each in follow.items()]

    async def close(self) -> None:
        """Stop watching and disconnect; the process is not affected."""
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await self.channel.close()

    async def _follow_states(self, look: Callable[[], None]) -> None:
        async def follow() -> None:
            async for state in self.channel.states():
                self.last_streamed = state
                look()

        await _follow_for_good(follow, look)

    async def _follow_events(self, look: Callable[[], None], announce: Callable[[str], None]) -> None:
        async def follow() -> None:
            async for event in self.channel.events():
                if event.name != NULL:
                    announce(event.name)

        await _follow_for_good(follow, look)

    async def _poll(self, look: Callable[[], None], running: Callable[[], bool]) -> None:
        clock = asyncio.get_running_loop().time
        # OCClite has no StateStream.
        with self._rounds:
            while True:
                await asyncio.sleep(self._rounds.period_s)
                if running() and clock() - self._heard_at > HEARD_S:
                    look()


def _occ_channel(port: int, codec: str, private: Path | None) -> DeviceChannel:
    from salt_o2.occ.channel import OccChannel

    return OccChannel(port, codec, private=private)


async def _follow_for_good(follow: Callable[[], Awaitable[None]], look: Callable[[], None]) -> None:
    """Follow a stream until cancelled when the process ends; call ``look`` whenever the stream breaks.

    A process that closes its stream in good order sends nothing more on it.
    """
    while True:
        try:
            await follow()
            look()
            await asyncio.get_running_loop().create_future()
        # Either the process crashed, which the pidfd also shows, or only the connection broke.
        except O2Error:
            look()
            await asyncio.sleep(FOLLOW_AGAIN_S)
