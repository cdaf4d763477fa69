"""The facts that this machine offers to placement."""

import importlib.metadata
import os
import socket
import time
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

import psutil

from salt_o2.core.messages.reports import HostFacts
from salt_o2.linux.procfs import boot_id

EVERYWHERE = "0.0.0.0"
ANYWHERE = ("192.0.2.1", 9)
"""An address reserved for documentation (RFC 5737): only its route is looked up, no packet is sent."""


def host_facts(
    address: str = "",
    attributes: Mapping[str, str] | None = None,
    control_ports: tuple[int, int] = (30000, 32767),
    channel_ports: tuple[int, int] = (9000, 19999),
    cpus: float | None = None,
    memory_mb: float | None = None,
    faults: tuple[str, ...] = (),
) -> HostFacts:
    """Return the facts of this machine. Arguments from the minion's configuration take precedence.

    ``faults`` lists the settings of the host that cannot be used.
    """
    reached_at = address or own_address()
    return HostFacts(
        address=reached_at,
        bindable=bindable_address(reached_at),
        network=network(),
        cpus=float(len(os.sched_getaffinity(0))) if cpus is None else cpus,
        memory_mb=total_memory_mb() if memory_mb is None else memory_mb,
        attributes=dict(attributes or {}),
        control_ports=control_ports,
        channel_ports=channel_ports,
        version=importlib.metadata.version("salt-o2"),
        started=time.time(),
        faults=faults,
    )


def network() -> str:
    """Return the name of this TCP port space: the machine's boot and its network namespace."""
    return f"{boot_id()}:{Path('/proc/self/ns/net').stat().st_ino}"


def own_address() -> str:
    """Return the address that this machine sends from, or the loopback's if it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ANYWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def listening_address(address: str) -> str:
    """Return the address at which devices must listen so that control reaches them at ``address``.

    This is ``address`` if this machine has it. It is all addresses if ``address`` is a name, or belongs to a
    machine that translates addresses: control's liveness probes arrive through that machine.
    """
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        return EVERYWHERE
    return address


def bindable_address(address: str) -> str:
    """Return ``address`` if channels of tasks here can bind it, or an empty text."""
    return address if listening_address(address) == address != EVERYWHERE else ""


def total_memory_mb() -> float:
    """Return the machine's memory in MB (of 1024 kB, as templates count it)."""
    return float(psutil.virtual_memory().total) / 2**20
