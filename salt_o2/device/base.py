"""Base class of all devices.

    from salt_o2.device import Device

    class Counter(Device):
        options = {"first": (0, "the number to begin with")}

        def init_task(self):
            self.n = self.properties["first"]

        def conditional_run(self):
            self.n += 1
            return self.send("data", b"%d" % self.n)

Start it with ``o2-device my_module:Counter --id counter --channel-config name=data,type=push,...``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.console import Output
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.properties import Properties
from salt_o2.device.transport.channel_settings import INPUTS

if TYPE_CHECKING:
    # Channels are loaded after the control channel is open.
    from salt_o2.device.transport.channel_set import Channels, Parts

Callback = Callable[["Parts", int], "bool | None"]

AS_LONG_AS_IT_TAKES = -1
DRAIN_POLL_MS = 20
"""Time without a message after which a draining device counts as empty, in ms."""


class Device:
    """A FairMQ device. Override the methods you need; the main thread calls all of them.

    An exception in any of them leads to ERROR and exit code 1.
    """

    options: ClassVar[Mapping[str, tuple[str | int | float | bool, str]]] = {}
    """Command line options: name -> (default, help). Each becomes a property of the default's type."""
    endpoints: ClassVar[Mapping[str, str]] = {}
    """The channels that the device uses, with their socket types, such as ``{"data": "push"}``.
    ``--print-channels`` prints them, and `coconut device check` asks for them.
    """

    def __init__(self, properties: Properties, inbox: Inbox[Any], log: Output) -> None:
        """Do not override: channels do not exist yet. Use ``init`` or ``init_task``."""
        self.properties, self.log, self._inbox = properties, log, inbox
        self.id = str(properties.get("id", ""))
        self.rate = 0.0
        """Calls of ``conditional_run`` per second, from ``--rate``; 0 is no limit."""
        self.channels: Channels | None = None
        self._callbacks: dict[str, Callback] = {}

    def init(self) -> None:
        """COMPLETE INIT: properties are set, channels are not open yet. Call ``on_data`` here."""

    def bind(self) -> None:
        """BIND: called after the channels are bound."""

    def connect(self) -> None:
        """CONNECT: called after the channels are connected."""

    def init_task(self) -> None:
        """INIT TASK: prepare for runs."""

    def pre_run(self) -> None:
        """RUN: at the start of every run; ``properties`` has the run's arguments."""

    def run(self) -> None:
        """Work in RUNNING until ``running`` is false. Return earlier to go back to READY.

        The default passes received messages to the callbacks of ``on_data``. Without callbacks it calls
        ``conditional_run`` repeatedly.
        """
        if self._callbacks:
            self._dispatch_data()
        else:
            self._repeat()

    def conditional_run(self) -> bool | None:
        """Do one unit of work in RUNNING; return False to go back to READY."""
        return False

    def post_run(self) -> None:
        """STOP: at the end of every run."""

    def drain(self, seconds: float) -> None:
        """STOP of a device that leaves a continuing run: process buffered data for at most ``seconds``.

        The default passes waiting messages to the callbacks of ``on_data`` until none is left.
        """
        end = time.monotonic() + seconds
        while self._callbacks and time.monotonic() < end and self._dispatch_ready(DRAIN_POLL_MS):
            pass

    def reset_task(self) -> None:
        """RESET TASK: undo ``init_task``."""

    def reset(self) -> None:
        """RESET DEVICE: undo ``init``. The channels are closed afterwards."""

    @property
    def running(self) -> bool:
        """Return whether no request is pending. Continue to work while this is true."""
        return self._inbox.empty()

    def names(self, kinds: frozenset[str]) -> list[str]:
        """Return the channels with a socket type in ``kinds`` (``settings.INPUTS`` or ``OUTPUTS``)."""
        ends = self.channels.endpoints if self.channels else {}
        return [name for name, found in ends.items() if found[0].type in kinds]

    def sockets(self, name: str) -> int:
        """Return the number of sockets of a channel."""
        return len(self.channels.endpoints.get(name, ())) if self.channels else 0

    def send(self, name: str, message: bytes | Sequence[bytes], index: int = 0, timeout_ms: int = -1) -> bool:
        """Send one message of one or more parts. Wait for a peer up to ``timeout_ms``; negative: no limit.

        Return False if the message was not sent: the time is up or a request is pending.
        """
        parts = [message] if isinstance(message, bytes) else message
        return self._open_channels().send(name, parts, index, timeout_ms)

    def receive(self, name: str, index: int = 0, timeout_ms: int = -1) -> "Parts | None":
        """Return the parts of one message; None if the time is up or a request is pending."""
        return self._open_channels().receive(name, index, timeout_ms)

    def wait_for_data(self, names: Sequence[str], timeout_ms: int) -> list[tuple[str, int]]:
        """Wait for a message. Return channel and index of each socket that has one."""
        return self._open_channels().ready(names, timeout_ms)

    def on_data(self, name: str, callback: Callback) -> None:
        """Call ``callback(parts, index)`` for each message on a channel, until a callback returns False.

        Raises:
            InvalidRequestError: if the channel was not configured, or cannot receive.
        """
        if self.channels is not None:
            _ensure_receives(name, self.channels)
        self._callbacks[name] = callback

    def sleep(self, seconds: float) -> bool:
        """Wait. Return False at once when a request arrives."""
        import select

        asked = select.poll()
        asked.register(self._inbox.fileno(), select.POLLIN)
        return not asked.poll(max(0.0, seconds) * 1000)

    def _dispatch_data(self) -> None:
        while self.running:
            if self._dispatch_ready(AS_LONG_AS_IT_TAKES) is None:
                return

    def _dispatch_ready(self, timeout_ms: int) -> bool | None:
        """Pass one message of each ready socket to its callback.

        Return whether any socket had a message; None if a callback returned False.
        """
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


def _ensure_receives(name: str, channels: "Channels") -> None:
    """Ensure that channel ``name`` was configured and can receive messages.

    Raises:
        InvalidRequestError: it was not, or cannot.
    """
    found = channels.endpoints.get(name)
    if not found:
        known = ", ".join(f"{each} ({ends[0].type})" for each, ends in channels.endpoints.items()) or "none"
        raise InvalidRequestError(
            f"on_data: no channel {name} was configured; there are: {known}. Add it to bind or connect of "
            "the task template or of the role, or correct the name in the device"
        )
    if found[0].type not in INPUTS:
        raise InvalidRequestError(f"on_data: channel {name} is {found[0].type}, which receives no message")
