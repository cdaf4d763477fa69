"""Channels of FairMQ devices: from what a template says to the properties that CONFIGURE pushes.

A bound channel gets a port of its host, or an abstract Unix socket; a connected one names the bound one it
wants:

    <role.path>:<channel>     that channel of the task at that role
    ::<alias>                 the bound channel that has this ``global`` name
    tcp://... ipc://...       an address, used as it is

Property keys and their meaning: FairMQ's ``chans.<name>.<index>.<key>`` (fairmq/Channel.cxx).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import HostId

TYPES = ("push", "pull", "pub", "sub")
TRANSPORTS = ("default", "zeromq", "shmem", "nanomsg")
ADDRESSINGS = ("tcp", "ipc")
EXPLICIT = ("tcp://", "ipc://", "inproc://")
PEERS = {"push": "pull", "pull": "push", "pub": "sub", "sub": "pub"}
"""What each type exchanges messages with."""
_SEARCHED = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What both ends of a channel have; sizes are FairMQ's queue lengths, in messages."""

    name: str
    type: str
    transport: str = "default"
    send_buffer: str = "1000"
    receive_buffer: str = "1000"
    rate_logging: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound(Channel):
    """A channel that listens."""

    addressing: str = "tcp"
    alias: str = ""
    """Its global name, if it has one."""
    target: str = ""
    """The address to bind if the template fixes it; empty: a free port or socket is found."""

    @property
    def needs_port(self) -> bool:
        """Whether placement has to find it a TCP port."""
        return not self.target and self.addressing == "tcp"

    @property
    def fixed_port(self) -> int | None:
        """The TCP port that the template fixes, if it does."""
        port = self.target.rpartition(":")[2]
        return int(port) if self.target.startswith("tcp://") and port.isdecimal() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected(Channel):
    """A channel that seeks a bound one."""

    target: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A bound channel of a placed task, as others can reach it."""

    path: str
    host: HostId
    channel: Bound
    bind_address: str
    """What the task binds, for example ``tcp://*:9000``."""
    address: str
    """What its peers connect to."""


class Wiring:
    """The bound channels of an environment, by the names under which others can ask for them."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    def add(
        self, path: str, host: HostId, host_address: str, channel: Bound, port: int | None, unique: str
    ) -> Endpoint:
        """Note that the task at ``path`` binds ``channel``; ``unique`` names its socket if it has one.

        Raises:
            PlanError: if another task has the same global alias, or peers could not reach its address.
        """
        bind, address = _addresses(channel, host_address, port, unique)
        _check_ipv4(f"{path}: channel {channel.name} on {host}", bind, address)
        endpoint = Endpoint(path, host, channel, bind, address)
        self._endpoints[f"{path}:{channel.name}"] = endpoint
        if channel.alias and self._endpoints.setdefault(f"::{channel.alias}", endpoint) is not endpoint:
            other = self._endpoints[f"::{channel.alias}"].path
            raise PlanError(
                f"{path}: channel {channel.name} is global {channel.alias}, and so is one of {other}"
            )
        return endpoint

    def peer(self, path: str, host: HostId, channel: Connected) -> Endpoint | None:
        """Return the bound channel that ``channel`` of the task at ``path`` on ``host`` asks for.

        ``None`` means that it gives an address itself.

        Raises:
            PlanError: if there is no such channel, or it cannot be reached from ``host``.
        """
        if channel.target.startswith(EXPLICIT):
            _check_ipv4(f"{path}: channel {channel.name}", channel.target)
            return None
        endpoint = self._endpoints.get(channel.target)
        if endpoint is None:
            raise PlanError(f"{path}: channel {channel.name}: {unmatched(channel.target, self._endpoints)}")
        if endpoint.address.startswith("ipc://") and endpoint.host != host:
            raise PlanError(
                f"{path}: channel {channel.name} is on {host}, but its peer {channel.target} is on "
                f"{endpoint.host} and binds ipc, which does not leave its host: use tcp, or put both on "
                "one host by a constraint"
            )
        return endpoint


def names_of(path: str, channel: Bound) -> tuple[str, ...]:
    """Return the targets by which ``channel`` of the role at ``path`` can be asked for."""
    own = f"{path}:{channel.name}"
    return (own, f"::{channel.alias}") if channel.alias else (own,)


def unmatched(target: str, names: Iterable[str]) -> str:
    """Say that nobody binds ``target``, and what comes nearest to it."""
    found = get_close_matches(target, list(islice(names, _SEARCHED)), n=1, cutoff=0.5)
    return f"nothing binds {target}" + (f" (did you mean {found[0]}?)" if found else "")


def bound_properties(endpoint: Endpoint) -> dict[str, str]:
    """Return FairMQ's properties of a bound channel; autoBind=0 makes a port in use an error."""
    channel = endpoint.channel
    return _properties(channel, "bind", endpoint.bind_address, channel.transport) | {
        _keys(channel.name).auto_bind: "0"
    }


def connected_properties(channel: Connected, endpoint: Endpoint | None) -> dict[str, str]:
    """Return FairMQ's properties of a connected channel; the transport is its peer's."""
    if endpoint is None:
        return _properties(channel, "connect", channel.target, channel.transport)
    return _properties(channel, "connect", endpoint.address, endpoint.channel.transport)


def _addresses(channel: Bound, host_address: str, port: int | None, unique: str) -> tuple[str, str]:
    if channel.target:
        return channel.target, channel.target.replace("//*:", f"//{host_address}:")
    if channel.addressing == "ipc":
        return (f"ipc://@o2ipc-{unique}",) * 2
    return f"tcp://*:{port}", f"tcp://{host_address}:{port}"


def _check_ipv4(what: str, *addresses: str) -> None:
    """Refuse IPv6: FairMQ's sockets listen on IPv4 only, and a peer would wait in CONNECT for ever.

    Raises:
        PlanError: naming the address.
    """
    for address in addresses:
        if address.startswith("tcp://") and address.count(":") > 2:
            raise PlanError(
                f"{what}: {address} is an IPv6 address, and FairMQ devices listen on IPv4 only: give the "
                "host an IPv4 address (o2:address in its pillar), or write one into the template"
            )


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
