"""The control channel of one living task, and what the task says there of its own accord.

grpc is imported here, when the first task needs it: Salt forks its processes, and grpc does not survive that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.concurrency.background_loops import keep_running
from salt_o2.core.errors import O2Error
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent, TaskState

if TYPE_CHECKING:
    from salt_o2.occ.driver import PidCheck
    from salt_o2.occ.outcome import Outcome

HEARD_S = 0.5
"""Whoever has said where it is so shortly ago is not asked."""
FIND_AGAIN_S = 0.1
FOLLOW_AGAIN_S = 1.0
"""A stream that broke is opened again after this time: the process may live on."""
NULL = "NULL"


@dataclass(frozen=True, slots=True)
class ObservedState:
    """A task's state, the process's own word for it, and the pid that it calls itself."""

    state: TaskState
    word: str
    pid: int


class DeviceSession:
    """Speaks with the OCC server of one process."""

    def __init__(self, launch: Launch, rounds: PollingBudget) -> None:
        """Open nothing yet; ask for moves, if the process does not tell of them, when ``rounds`` says."""
        from salt_o2.occ.channel import OccChannel

        if launch.control_port is None:
            raise ValueError(f"a task of mode {launch.mode} needs a control port")
        self.mode = launch.mode
        codec = "OCC" if launch.mode is ControlMode.DIRECT else launch.codec
        self.channel = OccChannel(launch.control_port, codec)
        self._rounds, self._heard_at = rounds, 0.0
        self._watchers: list[asyncio.Task[None]] = []
        self.told = ""
        """The state that the process has told of last, by its own word, if a stream tells of them."""

    async def ready(self, pid_is_ours: "PidCheck", timeout_s: float) -> "Outcome":
        """Wait until the process can be configured; see :func:`salt_o2.occ.driver.wait_ready`."""
        from salt_o2.occ import driver

        return self._noted(await driver.wait_ready(self.channel, self.mode, pid_is_ours, timeout_s))

    async def fire(self, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float) -> "Outcome":
        """Take the process through ``event``; see :func:`salt_o2.occ.driver.fire`."""
        from salt_o2.occ import driver

        return self._noted(await driver.send_event(self.channel, self.mode, event, arguments, timeout_s))

    def _noted(self, outcome: "Outcome") -> "Outcome":
        """Remember where the process is: the next step need not ask, for its moves are heard of."""
        self.channel.history.state = "" if outcome.failure else outcome.device_state
        self._heard_at = asyncio.get_running_loop().time()
        return outcome

    async def poll_state(self, timeout_s: float) -> ObservedState:
        """Return where the process is now.

        Raises:
            UnreachableError: there is no answer.
            TaskError: the answer makes no sense.
        """
        from salt_o2.occ.driver import TABLES

        found = await self.channel.get_state(timeout_s)
        return ObservedState(TABLES[self.mode].task_state(found.state), found.state, found.pid)

    async def wait_for_state(self, timeout_s: float) -> ObservedState:
        """Return where the process is, asking again until it answers.

        Raises:
            O2Error: it does not within ``timeout_s`` seconds.
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
        """Write into ``known`` what the process cannot be asked for later."""
        history = self.channel.history
        known.channels, known.needs_restart = sorted(history.channels), history.needs_restart

    def restore(self, known: TaskRecord) -> None:
        """Remember what an earlier agent had noted."""
        from salt_o2.occ.wire.arguments import channels_of

        history = self.channel.history
        history.pid, history.needs_restart = known.reported_device_id or known.pid, known.needs_restart
        history.channels = {*known.channels, *channels_of(known.configured or {})}

    def watch(
        self, look: Callable[[], None], announce: Callable[[str], None], running: Callable[[], bool]
    ) -> None:
        """Call ``look`` when the process may have moved, ``announce`` with what it signals.

        Where no stream tells of moves, it is asked for its state now and then while it is ``running``.
        """
        if self._watchers:
            return

        def stirred() -> None:
            self.channel.history.state = ""  # what is remembered may not be true any more
            look()

        occ = self.channel.codec.name == "OCC"
        follow = {"states": self._follow_states(stirred) if occ else self._poll(look, running)}
        if not occ or self.mode is ControlMode.DIRECT:  # FairMQ under OCC signals nothing
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
                self.told = state
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
        with self._rounds:  # OCClite has no StateStream
            while True:
                await asyncio.sleep(self._rounds.period_s)
                if running() and clock() - self._heard_at > HEARD_S:
                    look()


async def _follow_for_good(follow: Callable[[], Awaitable[None]], look: Callable[[], None]) -> None:
    """Follow a stream until cancelled, which happens when the process ends; ``look`` whenever it breaks.

    A process that ends its stream in good order says nothing more there.
    """
    while True:
        try:
            await follow()
            look()
            await asyncio.get_running_loop().create_future()
        except O2Error:  # a crash, which pidfd shows too; or only the connection is gone
            look()
            await asyncio.sleep(FOLLOW_AGAIN_S)
