"""Copy every message of all inputs to all outputs, unchanged."""

from typing import ClassVar

from salt_o2.device.base import Device
from salt_o2.device.transport.channel_settings import INPUTS, OUTPUTS


class Dispatcher(Device):
    """Like FairMQ's multiplier and QC dispatcher. A peer that does not read blocks the other peers."""

    endpoints: ClassVar = {"data1": "pull", "data2": "push"}

    def init(self) -> None:
        """Listen on all inputs."""
        for name in self.names(INPUTS):
            self.on_data(name, self.copy)

    def pre_run(self) -> None:
        """Find the output channels."""
        self.outputs = [(name, i) for name in self.names(OUTPUTS) for i in range(self.sockets(name))]

    def copy(self, parts: list[bytes], _index: int) -> bool:
        """Send one message to every output."""
        return all(self.send(name, parts, index) for name, index in self.outputs)
