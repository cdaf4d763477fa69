"""Define the channels of FairMQ devices in a plan.

A bound channel gets a port of its host, or an abstract Unix socket; a connected channel names its bound
channel:

    <role.path>:<channel>     that channel of the task at that role
    ::<alias>                 the bound channel that has this ``global`` name
    tcp://... ipc://...       an address, used unchanged

Property keys and their meaning: FairMQ's ``chans.<name>.<index>.<key>`` (fairmq/Channel.cxx).
"""

from dataclasses import dataclass

from salt_o2.core.ids import HostId

TYPES = ("push", "pull", "pub", "sub")
TRANSPORTS = ("default", "zeromq", "shmem", "nanomsg")
ADDRESSINGS = ("tcp", "ipc")
EXPLICIT = ("tcp://", "ipc://", "inproc://")
GLOBAL = "::"
"""The beginning of a target that is the global name of a bound channel."""
PEERS = {"push": "pull", "pull": "push", "pub": "sub", "sub": "pub"}
"""The type of the peer of each type of channel."""
ANY_ADDRESS = "*"
"""Bound by a task that listens at all addresses of its host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The common fields of both ends of a channel; sizes are FairMQ's queue lengths, in messages."""

    name: str
    type: str
    transport: str = "default"
    send_buffer: str = "1000"
    receive_buffer: str = "1000"
    rate_logging: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundChannel(Channel):
    """A channel that listens."""

    addressing: str = "tcp"
    alias: str = ""
    """Its global name, if it has one."""
    target: str = ""
    """The address to bind if the template fixes it; empty: a free port or socket is found."""

    @property
    def needs_port(self) -> bool:
        """Whether placement must find a TCP port for the channel."""
        return not self.target and self.addressing == "tcp"

    @property
    def fixed_port(self) -> int | None:
        """The TCP port that the template fixes; ``None`` without one."""
        port = self.target.rpartition(":")[2]
        return int(port) if self.target.startswith("tcp://") and port.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedChannel(Channel):
    """A channel that connects to a bound channel."""

    target: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A bound channel of a placed task, with the address for its peers."""

    path: str
    host: HostId
    channel: BoundChannel
    bind_address: str
    """What the task binds, for example ``tcp://10.0.0.11:9000``."""
    address: str
    """What its peers connect to."""
