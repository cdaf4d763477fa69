"""Configuration of one socket of a channel, with FairMQ's defaults (its `Channel.h`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.transport.channel_settings import NUMBERS, SCHEMES, TEXTS, TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The settings ``chans.<name>.<index>.*`` of one socket.

    Buffers are counted in messages, kernel sizes in bytes, times in milliseconds, rate_logging in seconds.
    """

    name: str
    index: int
    type: str
    method: str
    address: str
    transport: str = "default"
    snd_buf_size: int = 1000
    rcv_buf_size: int = 1000
    snd_kernel_size: int = 0
    rcv_kernel_size: int = 0
    snd_timeout_ms: int = -1
    rcv_timeout_ms: int = -1
    linger: int = 500
    rate_logging: int = 1
    port_range_min: int = 22000
    port_range_max: int = 23000
    auto_bind: bool = True

    def __str__(self) -> str:
        """Return the socket's name in FairMQ's notation."""
        return f"{self.name}[{self.index}]"

    @property
    def addresses(self) -> list[tuple[str, bool]]:
        """Return each address with whether it is bound: prefix ``@`` is bind, ``+`` or ``>`` connect."""
        found = []
        for address in self.address.split(","):
            bare = address.lstrip("@+>") if address[:1] in ("@", "+", ">") else address
            bound = address[0] == "@" if bare != address else self.method == "bind"
            found.append((bare, bound))
        return found


def endpoints(properties: Mapping[str, Any], transport: str) -> list[Endpoint]:
    """Return all sockets that ``properties`` describe. ``transport`` is the device's default.

    As in FairMQ, a channel has as many sockets as there are ``chans.<name>.<index>.type``.

    Raises:
        InvalidRequestError: if one is malformed or requires shared memory.
    """
    _check_transport(transport, "the device")
    counts: dict[str, int] = {}
    for key in properties:
        if match := re.fullmatch(r"chans\.([^.]+)\.(?:.*\.)?type", key):
            counts[match[1]] = counts.get(match[1], 0) + 1
    return [_endpoint(name, index, properties) for name, count in counts.items() for index in range(count)]


def _endpoint(name: str, index: int, properties: Mapping[str, Any]) -> Endpoint:
    prefix = f"chans.{name}.{index}."
    fields: dict[str, Any] = {key: properties.get(prefix + key, "unspecified") for key in TEXTS}
    fields["transport"] = properties.get(prefix + "transport", "default")
    for key, field in NUMBERS.items():
        if prefix + key in properties:
            fields[field] = _number(prefix + key, properties[prefix + key])
    if isinstance(auto := properties.get(prefix + "autoBind"), bool):
        fields["auto_bind"] = auto
    if fields["method"] == "bind" and fields["address"] in ("unspecified", ""):
        fields["address"] = f"tcp://*:{fields.get('port_range_min', 22000)}"
    found = Endpoint(name=name, index=index, **fields)
    _check(found)
    return found


def _number(key: str, value: Any) -> int:
    if isinstance(value, str):
        raise InvalidRequestError(
            f"{key}={value!r} is a number and was pushed as a text: use --channel-config"
        )
    if key.endswith(("Size", "rateLogging")) and value < 0:
        raise InvalidRequestError(f"{key}={value} is negative")
    return int(value)


def _check(end: Endpoint) -> None:
    _check_transport(end.transport, f"channel {end}")
    if re.search(r"[^a-zA-Z0-9\-_\[\]#]", end.name):
        raise InvalidRequestError(f"channel name {end.name!r} may only have letters, digits, - _ [ ] and #")
    if end.type not in TYPES:
        raise InvalidRequestError(f"channel {end} has type {end.type!r}, and not one of {', '.join(TYPES)}")
    for address, _ in end.addresses:
        if end.method not in ("bind", "connect") and address == end.address:
            raise InvalidRequestError(f"channel {end} has method {end.method!r}, and not bind or connect")
        if address not in ("unspecified", ""):
            _check_address(end, address)


def _check_address(end: Endpoint, address: str) -> None:
    scheme = next((scheme for scheme in SCHEMES if address.startswith(scheme)), None)
    if scheme is None:
        raise InvalidRequestError(f"channel {end}: {address!r} must begin with one of {', '.join(SCHEMES)}")
    rest = address.removeprefix(scheme)
    if not rest or (scheme == "tcp://" and ":" not in rest):
        raise InvalidRequestError(f"channel {end}: {address!r} is incomplete")


def _check_transport(name: str, whose: str) -> None:
    if name == "shmem":
        raise InvalidRequestError(
            f"{whose} asks for transport shmem, which only C++ devices have: use zeromq"
        )
    if name not in ("default", "zeromq"):
        raise InvalidRequestError(f"{whose} asks for the unknown transport {name!r}: use zeromq")
