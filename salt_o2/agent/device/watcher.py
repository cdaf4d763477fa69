"""Notices when a device moves or signals something though nobody asked it to.

What a stream says is only a reason to look: it may arrive after the answer to a later request. GetState tells
the truth, and is asked only while nothing is under way.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from salt_o2.agent.device.session import DeviceSession, ObservedState
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.errors import O2Error
from salt_o2.core.states import TaskState

log = logging.getLogger(__name__)
LOOK_S = 2.0
PAUSE_S = 0.1
ADOPTION_S = 2.0
"""How long the first survey waits for a device; one that takes longer is UNKNOWN until it answers."""
MOVING = (TaskState.RUNNING, TaskState.UNKNOWN)


class Watched(Protocol):
    """What must be known of a task to watch it."""

    record: TaskRecord

    @property
    def is_busy(self) -> bool:
        """Whether something is under way."""


class DeviceWatcher:
    """Watches one device while its process lives."""

    def __init__(
        self,
        task: Watched,
        device: DeviceSession,
        moved: Callable[[TaskState, str, str], None],
        signalled: Callable[[str], None],
    ) -> None:
        """Prepare to call ``moved`` with state, word and reason, and ``signalled`` with a word."""
        self._task, self._device, self._moved, self._signalled = task, device, moved, signalled
        self._looking: asyncio.Task[None] | None = None
        self._wanted = False

    def begin(self) -> None:
        """Watch from now on, and look if there was a reason to while the task was busy.

        It still is when this is called in a step. What the device has told last may be just that step.
        """
        self._device.watch(self._look_soon, self._signalled, lambda: self._task.record.state in MOVING)
        if self._wanted and self._device.told != self._task.record.device_state:
            asyncio.get_running_loop().call_soon(self._look_soon)

    async def find_again(self) -> None:
        """Look at a device that ran on without an agent, until it answers; go on behind after some time."""
        self._looking = asyncio.create_task(self._find_again())
        await asyncio.wait({self._looking}, timeout=ADOPTION_S)
        if not self._looking.done():
            self._moved(TaskState.UNKNOWN, "-", f"it does not answer within {ADOPTION_S:.0f} s")

    async def end(self) -> None:
        """Stop watching."""
        if self._looking is not None and self._looking is not asyncio.current_task():
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _look_soon(self) -> None:
        self._wanted = True
        if not self._task.is_busy and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        while self._wanted and not self._task.is_busy:
            self._wanted = False
            with contextlib.suppress(O2Error):  # gone: seen by pidfd; hangs: the next order will tell
                self._evaluate(await self._device.poll_state(LOOK_S))

    async def _find_again(self) -> None:
        while True:
            try:
                self._evaluate(await self._device.poll_state(LOOK_S))
            except O2Error as error:
                log.debug("task %s: %s", self._task.record.task, error)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    def _evaluate(self, seen: ObservedState) -> None:
        known = self._task.record
        if self._task.is_busy or seen.state in (TaskState.UNKNOWN, TaskState.DONE):
            return  # on its way, or about to end, which pidfd tells
        if known.announced == "TASK_INTERNAL_ERROR" or seen.state is known.state:
            return
        left = known.device_state if known.device_state not in ("", "-") else str(known.state)
        self._moved(seen.state, seen.word, f"it left {left} by itself and is {seen.word}")
