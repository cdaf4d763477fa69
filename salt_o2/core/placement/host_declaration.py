"""Combine what a site declares of a host with what the host claims about itself.

Control does not trust a host's claim where other hosts depend on it: a compromised host would attract tasks
with their secrets, or name the address of another host. The site's declaration is the pillar of the host,
which the master compiles.

    attributes       what pillar declares. A claimed attribute is used only if pillar declares none of that
                     name for any host of the site; ``machine_id`` and ``hostname`` are never claimed
    address          what pillar declares, or else the claim, unless it is the address of another machine
    control_ports    what pillar declares, or else the claim: it concerns the host alone
    channel_ports    the same
    cpus, memory_mb  what the host measures, and no more than pillar declares
    network          what the host measures: an id of its machine that no other machine knows
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.bounds import Amount, Port
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.tolerant_decoding import Fault, salvage

NEVER_CLAIMED = frozenset({"machine_id", "hostname"})
"""Attributes that have the host's id as value unless pillar declares another one."""
MOST_FAULTS = 20
"""Unused claims of one host that are shown."""
_RANGES = ("control_ports", "channel_ports")
_AMOUNTS = ("cpus", "memory_mb")
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """The site's declaration of one host, below ``o2:`` of its pillar; ``None`` where pillar has no value."""

    address: str | None = None
    attributes: dict[str, str] = field(default_factory=dict)
    control_ports: tuple[Port, Port] | None = None
    channel_ports: tuple[Port, Port] | None = None
    cpus: Amount | None = None
    memory_mb: Amount | None = None


NOTHING = Declaration()


def declaration_of(pillar: Any) -> tuple[Declaration, tuple[str, ...]]:
    """Return what ``pillar``, the ``o2:`` of a host, declares, and the faults of its unusable parts."""
    if not isinstance(pillar, Mapping):
        return NOTHING, (f"o2: expected a mapping, not {type(pillar).__name__}",)
    known = {each.name: pillar[each.name] for each in fields(Declaration) if each.name in pillar}
    faults: list[Fault] = []
    for name in _RANGES:
        match known.get(name):
            case [int(low), int(high)] if low > high:
                faults.append(Fault(name, f"{low}-{high} is not a range"))
                del known[name]
    match known.get("address"):
        case str(given) if ":" in given:
            faults.append(
                Fault("address", f"{given!r:.60} is not an IPv4 address, and FairMQ supports no other")
            )
            del known["address"]
    try:
        declared, more = salvage(known, Declaration)
    except InvalidRequestError as error:  # This cannot happen, because each field has a default.
        declared, more = NOTHING, (Fault("", str(error)),)
    return declared, tuple(f"o2:{fault}" for fault in (*faults, *more)[:MOST_FAULTS])


def bounded(
    host: HostId, claimed: HostFacts, declared: Declaration, site_names: Collection[str]
) -> tuple[HostFacts, tuple[str, ...]]:
    """Return the facts of ``host`` that control uses, and the claims that control does not use.

    ``site_names`` are the attributes that pillar declares for any host of the site.
    """
    attributes = {
        name: value
        for name, value in claimed.attributes.items()
        if name not in NEVER_CLAIMED and name not in site_names
    } | declared.attributes
    given = {name: value for name in ("address", *_RANGES) if (value := getattr(declared, name))}
    limits = {
        name: min(most, getattr(claimed, name))
        for name in _AMOUNTS
        if (most := getattr(declared, name)) is not None
    }
    used = replace(claimed, attributes=attributes, **given, **limits)
    return used, tuple(_unused(host, claimed, used, declared))[:MOST_FAULTS]


def other_machine(host: HostId, claimed: HostFacts, others: Iterable[tuple[HostId, HostFacts]]) -> str:
    """Return why the address that ``host`` claims is not its own; empty if no other machine has it.

    Each machine has the addresses of the loopback.
    """
    if _is_loopback(claimed.address):
        return ""
    for name, facts in others:
        if name != host and facts.address == claimed.address and facts.network != claimed.network:
            return (
                f"address: {claimed.address!r:.{_SHOWN}} is the address of host {name}, another machine. No "
                "new task is placed on this host; its tasks continue. Declare o2:address in its pillar, or "
                f"make control forget {name} if it is gone"
            )
    return ""


def _unused(host: HostId, claimed: HostFacts, used: HostFacts, declared: Declaration) -> Iterable[str]:
    for name in ("address", *_RANGES):
        if getattr(used, name) != getattr(claimed, name):
            claim, entry = getattr(claimed, name), getattr(used, name)
            yield f"{name}: the host says {claim!r:.{_SHOWN}}, its pillar {entry!r:.{_SHOWN}}; pillar is used"
    for name, value in claimed.attributes.items():
        if used.attributes.get(name, host if name in NEVER_CLAIMED else None) == value:
            continue
        why = (
            "its pillar has another value, which is used"
            if name in declared.attributes
            else "only pillar may declare this; ignored. Declare it in the pillar of this host"
        )
        yield f"attributes.{name:.{_SHOWN}}: the host says {value!r:.{_SHOWN}}: {why}"


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
