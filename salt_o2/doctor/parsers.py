"""Parse options of Salt and ranges of ports."""

from typing import Any

from salt_o2.doctor.report import Ports


def merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    """Merge maps key by key and join lists, as Salt does with the files of one directory."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        else:
            into[key] = value


def parse_ranges(text: str) -> tuple[Ports, ...]:
    """Return the ranges of a list such as ``9000-19999,30000`` (ip-sysctl.rst, ip_local_reserved_ports)."""
    pairs = [part.partition("-") for part in text.strip().split(",") if part]
    return tuple((int(low), int(high or low)) for low, _, high in pairs)
