"""Send numbered messages to all output channels."""

import os
from typing import ClassVar

from salt_o2.device.base import Device
from salt_o2.device.kinds import numbered_messages
from salt_o2.device.transport.channel_settings import OUTPUTS


class Sampler(Device):
    """Like FairMQ's sampler examples: one message per second, to one channel or a copy to each of several."""

    endpoints: ClassVar = {"data1": "push"}
    options: ClassVar = {
        "text": ("Hello", "what to send"),
        "max-iterations": (0, "how many messages to send, 0 is no limit"),
        "rate": (1.0, "messages per second, 0 is no limit"),
    }

    number = 0
    """Number of the next message. It continues from run to run, so a process sends no number twice."""

    def pre_run(self) -> None:
        """Start to count the messages of a run."""
        self.sent = 0
        self.outputs = [(name, i) for name in self.names(OUTPUTS) for i in range(self.sockets(name))]

    def conditional_run(self) -> bool:
        """Send one message."""
        message = numbered_messages.write(self.properties["text"], self.number, f"{self.id}.{os.getpid()}")
        for name, index in self.outputs:
            if not self.send(name, message, index):
                return False
        self.number += 1
        self.sent += 1
        limit: int = self.properties["max-iterations"]
        return limit <= 0 or self.sent < limit
