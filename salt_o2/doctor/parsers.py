"""Parse options of Salt, limits, ranges of ports and tables of sockets."""

import re
from collections.abc import Iterable
from typing import Any

from salt_o2.doctor.report import Limit, Ports

_LOOPBACK_6 = "00000000000000000000000001000000"
_MAPPED = "0000000000000000FFFF0000"


def merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    """Merge maps key by key and add lists up, as Salt does with the files of one directory."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        else:
            into[key] = value


def parse_limits(text: str) -> dict[str, Limit]:
    """Return the limits that we care for, of the text of /proc/<pid>/limits (proc(5))."""
    names = {"memlock": "Max locked memory", "nofile": "Max open files"}
    found = {
        name: re.search(rf"^{title}\s+(\S+)\s+(\S+)", text, re.MULTILINE) for name, title in names.items()
    }
    return {
        name: Limit(soft=number(match[1]), hard=number(match[2])) for name, match in found.items() if match
    }


def parse_ranges(text: str) -> tuple[Ports, ...]:
    """Return the ranges of a list such as ``9000-19999,30000`` (ip-sysctl.rst, ip_local_reserved_ports)."""
    pairs = [part.partition("-") for part in text.strip().split(",") if part]
    return tuple((int(low), int(high or low)) for low, _, high in pairs)


def parse_listening(lines: Iterable[str], exposed: bool = False) -> set[int]:
    """Return the ports that /proc/net/tcp or tcp6 says are listened at (proc_net_tcp.rst: state 0A).

    With ``exposed`` only those at other addresses than the loopback's.
    """
    rows = [line.split() for line in lines]
    pairs = [row[1].rpartition(":") for row in rows if len(row) > 3 and row[3] == "0A"]
    return {int(port, 16) for address, _, port in pairs if not (exposed and _is_loopback(address))}


def _is_loopback(address: str) -> bool:
    """Return whether an address, in the kernel's words of four bytes, is 127.0.0.0/8 or ::1."""
    return address == _LOOPBACK_6 or (address.endswith("7F") and address[:-8] in ("", _MAPPED))


def number(text: str) -> int | None:
    """Return a limit as a number; ``None`` for ``unlimited``."""
    return None if text == "unlimited" else int(text)
