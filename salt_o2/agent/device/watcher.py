"""Notices when a device moves or sends a signal without a request.

A message of a stream is only a reason to poll: it may arrive after the answer to a later request. GetState
returns the true state. It is called only while no request is in progress.
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
"""How long the first survey waits for a device. A device that takes longer is UNKNOWN until it answers."""
MOVING = (TaskState.RUNNING, TaskState.UNKNOWN)


class Watched(Protocol):
    """The facts about a task that the watcher needs."""

    record: TaskRecord

    @property
    def is_busy(self) -> bool:
        """Whether a step is in progress."""


class DeviceWatcher:
    """Watches one device while its process runs."""

    def __init__(
        self,
        task: Watched,
        device: DeviceSession,
        on_move: Callable[[TaskState, str, str], None],
        on_signal: Callable[[str], None],
    ) -> None:
        """Prepare to call ``on_move`` with state, word and reason, and ``on_signal`` with a signal's name."""
        self._task, self._device, self._on_move, self._on_signal = task, device, on_move, on_signal
        self._inspection: asyncio.Task[None] | None = None
        self._is_inspection_due = False

    def begin(self) -> None:
        """Start to watch, and poll if there was a reason to poll while the task was busy.

        The task is still busy when a step calls this. The last message of the device may be about that step.
        """
        self._device.watch(self._inspect_soon, self._on_signal, lambda: self._task.record.state in MOVING)
        if self._is_inspection_due and self._device.last_streamed != self._task.record.device_state:
            asyncio.get_running_loop().call_soon(self._inspect_soon)

    async def find_again(self) -> None:
        """Poll a device that ran without an agent until it answers.

        The poll continues in the background after some time.
        """
        self._inspection = asyncio.create_task(self._find_again())
        await asyncio.wait({self._inspection}, timeout=ADOPTION_S)
        if not self._inspection.done():
            self._on_move(TaskState.UNKNOWN, "-", f"it does not answer within {ADOPTION_S:.0f} s")

    async def end(self) -> None:
        """Stop watching."""
        if self._inspection is not None and self._inspection is not asyncio.current_task():
            self._inspection.cancel()
            await asyncio.gather(self._inspection, return_exceptions=True)

    def _inspect_soon(self) -> None:
        self._is_inspection_due = True
        if not self._task.is_busy and (self._inspection is None or self._inspection.done()):
            self._inspection = asyncio.create_task(self._inspect())

    async def _inspect(self) -> None:
        while self._is_inspection_due and not self._task.is_busy:
            self._is_inspection_due = False
            # If the process ended, the pidfd shows it. If it hangs, the next order shows it.
            with contextlib.suppress(O2Error):
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

    def _evaluate(self, observed: ObservedState) -> None:
        known = self._task.record
        if self._task.is_busy or observed.state in (TaskState.UNKNOWN, TaskState.DONE):
            # The device is moving, or about to end, which the pidfd shows.
            return
        if known.announced == "TASK_INTERNAL_ERROR" or observed.state is known.state:
            return
        former_state = known.device_state if known.device_state not in ("", "-") else str(known.state)
        self._on_move(
            observed.state, observed.word, f"it left {former_state} without an order and is {observed.word}"
        )
