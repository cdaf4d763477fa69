"""Actions of a device in each state: FairMQ's part around the user's part."""

from collections.abc import Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.base import Device
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.properties import Properties


class Work:
    """Actions of one device, called by its :class:`~salt_o2.device.main_loop.MainLoop`."""

    def __init__(self, device: Device, properties: Properties, inbox: Inbox[Any]) -> None:
        """Pass its properties to the device."""
        self.device, self.properties, self._inbox = device, properties, inbox

    def init(self) -> None:
        """COMPLETE INIT: read the properties, prepare the channels, then the user's ``init``."""
        from salt_o2.device.transport.channel_set import Channels
        from salt_o2.device.transport.endpoint import endpoints

        read, device = self.properties, self.device
        device.id = str(read.get("id", "device"))
        device.rate = float(read.number("rate", 0.0))
        found = endpoints(read, str(read.get("transport", "zeromq")))
        device.channels = Channels(device.id, found, self._inbox, int(read.number("io-threads", 1)))
        device.init()

    def bind(self) -> None:
        """BIND: bind the channels, then the user's ``bind``."""
        self.properties.update(self._channels.bind())
        self.device.bind()

    def connect(self) -> None:
        """CONNECT: host names must resolve within ``init-timeout`` seconds; peers need not exist."""
        self._channels.connect(float(self.properties.number("init-timeout", 120)))
        self.device.connect()

    def init_task(self) -> None:
        """INIT TASK: the device's numeric options must be numbers by now."""
        for name, (default, _) in self.device.options.items():
            if isinstance(default, int | float) and not isinstance(default, bool):
                self.properties.number(name, default)
        self.device.init_task()

    def run(self) -> None:
        """RUNNING: run the user's code until it returns or a request arrives."""
        from salt_o2.device.rate_logger import Rates

        rates = Rates(self._channels, self.device.log)
        try:
            self.device.pre_run()
            self.device.run()
        finally:
            rates.stop()

    def drain(self, arguments: Mapping[str, str]) -> None:
        """STOP of a device that leaves a run: process buffered data for at most ``drain_ms``."""
        if drain_ms := int(arguments.get("drain_ms") or 0):
            self.device.drain(drain_ms / 1000)

    def post_run(self) -> None:
        """Run the user's ``post_run`` after RUNNING."""
        self.device.post_run()

    def reset_task(self) -> None:
        """RESET TASK."""
        self.device.reset_task()

    def reset(self) -> None:
        """RESET DEVICE: the user's ``reset``, then close all channels."""
        self.device.reset()
        self.close()

    def close(self) -> None:
        """Close all channels, if there are any."""
        if self.device.channels is not None:
            self.device.channels.close()
            self.device.channels = None

    @property
    def _channels(self) -> Any:
        if self.device.channels is None:
            raise InvalidRequestError("the device has no channels: it was not initialised")
        return self.device.channels
