"""Settings of a host's agent, from ``o2:`` of the minion's configuration and pillar.

An unusable setting gets its default and is listed among the faults. Control shows the faults on the host's
row. An agent must start whatever settings a site writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from salt_o2.agent.host_facts import host_facts
from salt_o2.agent.launch import accounts
from salt_o2.core.messages.bounds import Amount, Port
from salt_o2.core.messages.report_parsing import MOST_FAULTS
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.tolerant_decoding import Fault, salvage

Heartbeat = Annotated[float, Meta(gt=0, le=3600)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of an agent; see ``HostFacts`` for the meaning of most of them."""

    directory: str = ""
    """The agent's directory for its tasks; empty: see :func:`salt_o2.where.state_directory`."""
    task_users: tuple[str, ...] = accounts.DEFAULT
    """Accounts that tasks may use if the agent is root; the first one is the default.

    They come from the minion's configuration alone, never from pillar.
    """
    task_environment: tuple[str, ...] = ()
    """Patterns of further variables of the minion's service that tasks inherit, such as ``ROOT*``. From the
    minion's configuration alone, never from pillar."""
    heartbeat_s: Heartbeat = 5.0
    """Seconds without a report after which a heartbeat follows."""
    address: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    control_ports: tuple[Port, Port] = (30000, 32767)
    channel_ports: tuple[Port, Port] = (9000, 19999)
    cpus: Amount | None = None
    memory_mb: Amount | None = None


def read_settings(*layers: Any) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings in ``layers``, later layers taking precedence, and the faults in them."""
    faults: list[Fault] = []
    merged: dict[str, Any] = {}
    for layer in layers:
        if isinstance(layer, Mapping):
            merged |= layer
        elif layer is not None:
            faults.append(Fault("", f"expected a mapping, not {layer!r:.60}"))
    _put_ranges_in_order(merged, faults)
    _drop_a_relative_directory(merged, faults)
    _drop_ipv6(merged, faults)
    settings, more = salvage(merged, Settings)
    return settings, tuple(f"o2:{fault}" for fault in (*faults, *more)[:MOST_FAULTS])


def directory_of(settings: Settings, default: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the agent's directory, created, and the reason if it is not the configured one.

    Raises:
        OSError: ``default`` cannot be created either.
    """
    wanted = Path(settings.directory) if settings.directory else default
    try:
        wanted.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        default.mkdir(mode=0o711, parents=True, exist_ok=True)
        return default, (
            f"o2:directory: {wanted} cannot be created: {error.strerror}; tasks are in {default}",
        )
    return wanted, ()


def facts_of(settings: Settings, faults: tuple[str, ...] = ()) -> HostFacts:
    """Return the facts that this machine offers to placement by ``settings``."""
    return host_facts(
        settings.address,
        settings.attributes,
        settings.control_ports,
        settings.channel_ports,
        settings.cpus,
        settings.memory_mb,
        faults,
    )


def _drop_a_relative_directory(merged: dict[str, Any], faults: list[Fault]) -> None:
    """Drop a relative directory: it depends on where the minion was started."""
    match merged.get("directory"):
        case str(given) if given and not Path(given).is_absolute():
            faults.append(Fault("directory", f"expected an absolute path, not {given!r:.60}"))
            del merged["directory"]


def _drop_ipv6(merged: dict[str, Any], faults: list[Fault]) -> None:
    """Drop an IPv6 address: FairMQ devices do not listen there, so their peers would wait for ever."""
    match merged.get("address"):
        case str(given) if ":" in given:
            faults.append(
                Fault("address", f"{given!r:.60} is not an IPv4 address, and FairMQ supports no other")
            )
            del merged["address"]


def _put_ranges_in_order(merged: dict[str, Any], faults: list[Fault]) -> None:
    """Drop port ranges whose end is below their beginning."""
    for name in ("control_ports", "channel_ports"):
        match merged.get(name):
            case [int(low), int(high)] if low > high:
                faults.append(Fault(name, f"{low}-{high} is not a range"))
                del merged[name]
