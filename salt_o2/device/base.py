"""What a physicist derives a device from.

    from salt_o2.device import Device

    class Counter(Device):
        options = {"first": (0, "the number to begin with")}

        def init_task(self):
            self.n = self.properties["first"]

        def conditional_run(self):
            self.n += 1
            return self.send("data", b"%d" % self.n)

and starts with ``o2-device my_module:Counter --id counter --channel-config name=data,type=push,...``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.console import Output
from salt_o2.device.properties import Properties

if TYPE_CHECKING:
    from salt_o2.device.control.wakeable_queue import Inbox
    from salt_o2.device.transport.channel_set import Channels, Parts

Callback = Callable[["Parts", int], "bool | None"]

AS_LONG_AS_IT_TAKES = -1
DRAIN_POLL_MS = 20
"""A device that has got nothing for so long holds nothing more."""


class Device:
    """A FairMQ device. Override what is needed; all of it is called by one thread, the main one.

    An exception anywhere leads to ERROR and exit code 1.
    """

    options: ClassVar[Mapping[str, tuple[str | int | float | bool, str]]] = {}
    """Options of the command line: name -> (default, help). Each becomes a property of the default's type."""

    def __init__(self, properties: Properties, inbox: "Inbox[Any]", log: Output) -> None:
        """Do not override: there are no channels yet; use ``init`` or ``init_task``."""
        self.properties, self.log, self._inbox = properties, log, inbox
        self.id = str(properties.get("id", ""))
        self.rate = 0.0
        """Calls of ``conditional_run`` per second, from ``--rate``; 0 is no limit."""
        self.channels: Channels | None = None
        self._callbacks: dict[str, Callback] = {}

    def init(self) -> None:
        """COMPLETE INIT: properties are known, channels not yet open. The place for ``on_data``."""

    def bind(self) -> None:
        """BIND: what was to be bound is."""

    def connect(self) -> None:
        """CONNECT: what was to be connected is."""

    def init_task(self) -> None:
        """INIT TASK: prepare for runs."""

    def pre_run(self) -> None:
        """RUN: at the start of every run; ``properties`` has the run's arguments."""

    def run(self) -> None:
        """Work in RUNNING: until ``running`` is false, or return earlier to go back to READY by itself.

        Unless overridden it hands arriving data to the callbacks of ``on_data`` if there are any, and else
        calls ``conditional_run`` again and again.
        """
        if self._callbacks:
            self._hand_out_data()
        else:
            self._repeat()

    def conditional_run(self) -> bool | None:
        """Do one piece of work in RUNNING; return False to go back to READY."""
        return False

    def post_run(self) -> None:
        """STOP: at the end of every run."""

    def drain(self, seconds: float) -> None:
        """STOP, when this device leaves a run that goes on: finish what it holds, in at most ``seconds``.

        Unless overridden it hands waiting data to the callbacks of ``on_data`` until none is left.
        """
        end = time.monotonic() + seconds
        while self._callbacks and time.monotonic() < end and self._hand_out(DRAIN_POLL_MS):
            pass

    def reset_task(self) -> None:
        """RESET TASK: undo ``init_task``."""

    def reset(self) -> None:
        """RESET DEVICE: undo ``init``; channels are closed after it."""

    @property
    def running(self) -> bool:
        """Whether nothing is asked of the device: as long as this is true, go on."""
        return self._inbox.empty()

    def names(self, kinds: frozenset[str]) -> list[str]:
        """Return the channels whose sockets are of one of ``kinds`` (``settings.INPUTS`` or ``OUTPUTS``)."""
        ends = self.channels.endpoints if self.channels else {}
        return [name for name, found in ends.items() if found[0].type in kinds]

    def sockets(self, name: str) -> int:
        """Return how many sockets a channel has."""
        return len(self.channels.endpoints.get(name, ())) if self.channels else 0

    def send(self, name: str, message: bytes | Sequence[bytes], index: int = 0, timeout_ms: int = -1) -> bool:
        """Send one message of one or several parts; wait for a peer ``timeout_ms``, or as long as it takes.

        Returns False if it was not sent: the time is up, or something is asked of the device.
        """
        parts = [message] if isinstance(message, bytes) else message
        return self._open_channels().send(name, parts, index, timeout_ms)

    def receive(self, name: str, index: int = 0, timeout_ms: int = -1) -> "Parts | None":
        """Return the parts of one message; None if the time is up, or something is asked of the device."""
        return self._open_channels().receive(name, index, timeout_ms)

    def wait_for_data(self, names: Sequence[str], timeout_ms: int) -> list[tuple[str, int]]:
        """Return channel and index of every socket that has a message, waiting for the first."""
        return self._open_channels().ready(names, timeout_ms)

    def on_data(self, name: str, callback: Callback) -> None:
        """Call ``callback(parts, index)`` for every message on a channel, until one returns False."""
        self._callbacks[name] = callback

    def sleep(self, seconds: float) -> bool:
        """Wait; return at once with False when something is asked of the device."""
        import select

        asked = select.poll()
        asked.register(self._inbox.fileno(), select.POLLIN)
        return not asked.poll(max(0.0, seconds) * 1000)

    def _hand_out_data(self) -> None:
        while self.running:
            if self._hand_out(AS_LONG_AS_IT_TAKES) is None:
                return

    def _hand_out(self, timeout_ms: int) -> bool | None:
        """Hand out one message of each socket that has one; tell whether any had, None if one was enough."""
        waiting = self.wait_for_data(list(self._callbacks), timeout_ms)
        for name, index in waiting:
            parts = self.receive(name, index, 0)
            if parts is not None and self._callbacks[name](parts, index) is False:
                return None
        return bool(waiting)

    def _repeat(self) -> None:
        turn = time.monotonic()
        while self.running and self.conditional_run() is not False:
            if self.rate > 0:
                turn = max(turn + 1 / self.rate, time.monotonic() - 1)
                self.sleep(turn - time.monotonic())

    def _open_channels(self) -> "Channels":
        if self.channels is None:
            raise InvalidRequestError(f"{self.id} has no channels before COMPLETE INIT")
        return self.channels
