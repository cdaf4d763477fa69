"""Read channels of templates: any field may be missing, and then comes from a weaker layer."""

from collections.abc import Iterable
from dataclasses import dataclass

from salt_o2.core.plan.channels import (
    ADDRESSINGS,
    EXPLICIT,
    TRANSPORTS,
    TYPES,
    BoundChannel,
    ConnectedChannel,
)
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.fields import Fields
from salt_o2.workflow.templates.keys import BIND, CONNECT
from salt_o2.workflow.templates.text import Text, open_value, rendered
from salt_o2.workflow.variables.stack import Stack

_FIELDS = {
    "type": "type",
    "transport": "transport",
    "sndBufSize": "send_buffer",
    "rcvBufSize": "receive_buffer",
    "rateLogging": "rate_logging",
    "addressing": "addressing",
    "global": "alias",
    "target": "target",
}
_CHOICES = {"type": TYPES, "transport": TRANSPORTS, "addressing": ADDRESSINGS}
_NUMBERS = ("sndBufSize", "rcvBufSize", "rateLogging")


@dataclass(frozen=True, slots=True)
class ChannelTemplate:
    """One entry of ``bind`` or ``connect``: the fields that are given, by their names in the template."""

    place: Place
    name: str
    fields: tuple[tuple[str, Text], ...]

    @property
    def constant(self) -> bool:
        """Whether the channel is the same for every role."""
        return all(text.constant is not None for _, text in self.fields)


@dataclass(frozen=True, slots=True)
class Given:
    """The fields of one channel of one role, rendered; layers of these make a channel."""

    place: Place
    fields: dict[str, str]
    lost: bool = False
    """Whether a field is missing because it is open here, or because its fault is recorded."""
    left_open: str = ""
    """The first field that is open here, and what it needs."""


Layer = dict[str, Given]
"""Channels by name."""


def read_channels(fields: Fields, key: str, problems: Problems) -> tuple[ChannelTemplate, ...]:
    """Return the channels listed at ``key``, which is ``bind`` or ``connect``."""
    table = BIND if key == "bind" else CONNECT
    found: dict[str, ChannelTemplate] = {}
    for node in fields.items(key):
        entry = Fields(node, table, f"a channel of {key}", fields.path, problems)
        name = entry.plain("name")
        if name in found:
            problems.add(entry.place, fields.path, f"{key} has channel {name} twice")
        given = ((wire, entry.text(wire)) for wire in _FIELDS)
        found[name] = ChannelTemplate(entry.place, name, tuple((wire, text) for wire, text in given if text))
    return tuple(found.values())


def render_channels(
    templates: Iterable[ChannelTemplate], stack: Stack, path: str, problems: Problems
) -> Layer:
    """Return the fields of the channels at the role of ``stack``."""
    return {template.name: _render(template, stack, path, problems) for template in templates}


def make_bound(layers: Iterable[Layer], path: str, problems: Problems) -> tuple[BoundChannel, ...]:
    """Return the bound channels that ``layers`` make, weakest first."""
    found = []
    for name, given in _merged(layers).items():
        target = given.fields.get("target", "")
        if target and not target.startswith(EXPLICIT):
            what = f"channel {name} binds {target}, which is no address: tcp://*:<port> or ipc://<path>"
            problems.add(given.place, path, what)
        elif given.lost:
            continue
        elif fault := _address_fault(target):
            problems.add(given.place, path, f"channel {name} binds {target}{fault}")
        elif _has_type(name, given, path, problems):
            found.append(BoundChannel(name=name, **_named(given)))
    return tuple(found)


def make_connected(
    layers: Iterable[Layer], path: str, problems: Problems
) -> tuple[tuple[ConnectedChannel, Place], ...]:
    """Return the connected channels that ``layers`` make, weakest first, each with its place."""
    found = []
    for name, given in _merged(layers).items():
        if given.lost:
            continue
        if not given.fields.get("target"):
            problems.add(given.place, path, f"channel {name} has no target: the role's connect must give one")
        elif fault := _address_fault(given.fields["target"]):
            problems.add(given.place, path, f"channel {name} connects {given.fields['target']}{fault}")
        elif _has_type(name, given, path, problems):
            found.append((ConnectedChannel(name=name, **_named(given)), given.place))
    return tuple(found)


def _address_fault(target: str) -> str:
    """Return why ``target`` cannot be an address of a socket; nothing if it can, or if it is no address."""
    scheme, _, rest = target.partition("://")
    if scheme == "tcp" and rest:
        host, _, port = rest.rpartition(":")
        known = port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65_536
        return "" if host and known else ", which has no port: tcp://<host>:<port>, with a port of 1 to 65535"
    return ", which names no socket" if target.startswith(EXPLICIT) and not rest else ""


def open_channels(layers: Iterable[Layer], kind: str) -> tuple[str, ...]:
    """Return the channels of ``kind`` (bind, connect) that ``layers`` leave open, each with what it needs."""
    merged = _merged(layers).items()
    return tuple(f"{kind} {name} {given.left_open}" for name, given in merged if given.left_open)


def _render(template: ChannelTemplate, stack: Stack, path: str, problems: Problems) -> Given:
    fields, lost, left_open = {}, False, ""
    for wire, text in template.fields:
        value = rendered(text, stack, path, problems)
        if value is None:
            lost = problems.channels_lost = True
            left_open = left_open or open_value(wire, text, stack)
        else:
            _check(template, text.place, wire, value, path, problems)
            fields[wire] = value
    return Given(template.place, fields, lost, left_open)


def _check(
    template: ChannelTemplate, place: Place, wire: str, value: str, path: str, problems: Problems
) -> None:
    choice = _CHOICES.get(wire)
    if choice and value not in choice:
        what = f"channel {template.name}: {wire} {value!r} is none of {', '.join(choice)}"
        problems.add(place, path, what, value, choice)
    elif wire in _NUMBERS and not value.isdecimal():
        problems.add(place, path, f"channel {template.name}: {wire} must be a whole number, not {value!r}")


def _merged(layers: Iterable[Layer]) -> Layer:
    """Return the channels of all layers; a field of a later layer replaces an earlier one's."""
    merged: Layer = {}
    for layer in layers:
        for name, given in layer.items():
            below = merged.get(name)
            merged[name] = given if below is None else _over(below, given)
    return merged


def _over(below: Given, given: Given) -> Given:
    left_open = below.left_open or given.left_open
    return Given(given.place, {**below.fields, **given.fields}, below.lost or given.lost, left_open)


def _named(given: Given) -> dict[str, str]:
    return {_FIELDS[wire]: value for wire, value in given.fields.items()}


def _has_type(name: str, given: Given, path: str, problems: Problems) -> bool:
    if "type" not in given.fields:
        problems.add(given.place, path, f"channel {name} has no type: {', '.join(TYPES)}")
    return "type" in given.fields
