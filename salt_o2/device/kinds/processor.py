"""Forward received messages with the device's name appended."""

from typing import ClassVar

from salt_o2.device.base import Device
from salt_o2.device.transport.channel_settings import INPUTS, OUTPUTS


class Processor(Device):
    """Like FairMQ's 1-n-1 processor (data1 to data2), but from every input to all outputs."""

    endpoints: ClassVar = {"data1": "pull", "data2": "push"}
    options: ClassVar = {"text": ("", "what to append; empty: (modified by ID)")}

    def init(self) -> None:
        """Listen on all inputs."""
        for name in self.names(INPUTS):
            self.on_data(name, self.forward)

    def pre_run(self) -> None:
        """Find the output channels."""
        self.suffix = (self.properties["text"] or f" (modified by {self.id})").encode()
        self.outputs = [(name, i) for name in self.names(OUTPUTS) for i in range(self.sockets(name))]

    def forward(self, parts: list[bytes], _index: int) -> bool:
        """Forward one message with the text appended to its first part."""
        message = [parts[0] + self.suffix, *parts[1:]]
        return all(self.send(name, message, index) for name, index in self.outputs)
