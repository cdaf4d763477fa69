"""Find the peer of a channel that connects."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import HostId
from salt_o2.core.plan.channels import ANY_ADDRESS, EXPLICIT, BoundChannel, ConnectedChannel, Endpoint

_SEARCHED = 5_000


class ChannelResolver:
    """The bound channels of an environment, by the names under which other tasks request them."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._by_written_path: dict[str, Endpoint] = {}
        """Those of roles that share a name, by the path that they share; used if no other one fits."""

    def add(
        self,
        path: str,
        host: HostId,
        host_address: str,
        channel: BoundChannel,
        port: int | None,
        unique: str,
        bindable: str = ANY_ADDRESS,
        written_path: str = "",
    ) -> Endpoint:
        """Record that the task at ``path`` binds ``channel``; ``unique`` names its socket if it has one.

        ``bindable`` is the address of the host that a task there can bind, or ``*``. An address that the
        template fixes is bound unchanged. ``written_path`` is the path without the number that a role has if
        another role has its name.

        Raises:
            PlanError: if another task has the same global alias, or peers could not reach its address.
        """
        bind, address = _addresses(channel, host_address, port, unique, bindable)
        _check_ipv4(f"{path}: channel {channel.name} on {host}", bind, address)
        endpoint = Endpoint(path, host, channel, bind, address)
        self._endpoints[f"{path}:{channel.name}"] = endpoint
        if written_path and written_path != path:
            self._by_written_path.setdefault(f"{written_path}:{channel.name}", endpoint)
        if channel.alias and self._endpoints.setdefault(f"::{channel.alias}", endpoint) is not endpoint:
            other = self._endpoints[f"::{channel.alias}"].path
            raise PlanError(
                f"{path}: channel {channel.name} is global {channel.alias}, and so is one of {other}"
            )
        return endpoint

    def peer(self, path: str, host: HostId, channel: ConnectedChannel) -> Endpoint | None:
        """Return the bound channel that ``channel`` of the task at ``path`` on ``host`` requests.

        ``None`` means that the channel names an address itself.

        Raises:
            PlanError: if there is no such channel, or it cannot be reached from ``host``.
        """
        if channel.target.startswith(EXPLICIT):
            _check_ipv4(f"{path}: channel {channel.name}", channel.target)
            return None
        endpoint = self._endpoints.get(channel.target) or self._by_written_path.get(channel.target)
        if endpoint is None:
            raise PlanError(f"{path}: channel {channel.name}: {unmatched(channel.target, self._endpoints)}")
        if endpoint.address.startswith("ipc://") and endpoint.host != host:
            raise PlanError(
                f"{path}: channel {channel.name} is on {host}, but its peer {channel.target} is on "
                f"{endpoint.host} and binds ipc, which works only within a host: use tcp, or place both "
                "on one host by a constraint"
            )
        return endpoint


def names_of(path: str, channel: BoundChannel) -> tuple[str, ...]:
    """Return the targets by which other tasks can request ``channel`` of the role at ``path``."""
    own = f"{path}:{channel.name}"
    return (own, f"::{channel.alias}") if channel.alias else (own,)


def unmatched(target: str, names: Iterable[str]) -> str:
    """Return the message that no task binds ``target``, with the nearest target."""
    found = get_close_matches(target, list(islice(names, _SEARCHED)), n=1, cutoff=0.5)
    return f"nothing binds {target}" + (f" (did you mean {found[0]}?)" if found else "")


def _addresses(
    channel: BoundChannel, host_address: str, port: int | None, unique: str, bindable: str
) -> tuple[str, str]:
    if channel.target:
        return channel.target, channel.target.replace("//*:", f"//{host_address}:")
    if channel.addressing == "ipc":
        return (f"ipc://@o2ipc-{unique}",) * 2
    return f"tcp://{bindable}:{port}", f"tcp://{host_address}:{port}"


def _check_ipv4(what: str, *addresses: str) -> None:
    """Refuse IPv6: FairMQ's sockets listen on IPv4 only, and a peer would wait in CONNECT without end.

    Raises:
        PlanError: if the address is IPv6; the message names it.
    """
    for address in addresses:
        if address.startswith("tcp://") and address.count(":") > 2:
            raise PlanError(
                f"{what}: {address} is an IPv6 address, and FairMQ devices listen on IPv4 only: give the "
                "host an IPv4 address (o2:address in its pillar), or write one into the template"
            )
