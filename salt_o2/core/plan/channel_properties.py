"""Properties of FairMQ that describe channels: ``chans.NAME.0.*``."""

from dataclasses import dataclass
from functools import lru_cache

from salt_o2.core.plan.channels import Channel, ConnectedChannel, Endpoint


def bound_properties(endpoint: Endpoint) -> dict[str, str]:
    """Return FairMQ's properties of a bound channel; autoBind=0 makes a port in use an error."""
    channel = endpoint.channel
    return _properties(channel, "bind", endpoint.bind_address, channel.transport) | {
        _keys(channel.name).auto_bind: "0"
    }


def connected_properties(channel: ConnectedChannel, endpoint: Endpoint | None) -> dict[str, str]:
    """Return FairMQ's properties of a connected channel; the transport is its peer's."""
    if endpoint is None:
        return _properties(channel, "connect", channel.target, channel.transport)
    return _properties(channel, "connect", endpoint.address, endpoint.channel.transport)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The property keys of one channel, made once for each name: many tasks have channels of one name."""

    sockets: str
    address: str
    method: str
    type: str
    transport: str
    rate_logging: str
    receive_buffer: str
    send_buffer: str
    receive_kernel: str
    send_kernel: str
    auto_bind: str


@lru_cache(maxsize=10_000)
def _keys(name: str) -> _Keys:
    first = f"chans.{name}.0."
    return _Keys(
        f"chans.{name}.numSockets",
        f"{first}address",
        f"{first}method",
        f"{first}type",
        f"{first}transport",
        f"{first}rateLogging",
        f"{first}rcvBufSize",
        f"{first}sndBufSize",
        f"{first}rcvKernelSize",
        f"{first}sndKernelSize",
        f"{first}autoBind",
    )


def _properties(channel: Channel, method: str, address: str, transport: str) -> dict[str, str]:
    keys = _keys(channel.name)
    return {
        keys.sockets: "1",
        keys.address: address,
        keys.method: method,
        keys.type: channel.type,
        keys.transport: transport,
        keys.rate_logging: channel.rate_logging,
        keys.receive_buffer: channel.receive_buffer,
        keys.send_buffer: channel.send_buffer,
        keys.receive_kernel: "0",
        keys.send_kernel: "0",
    }
