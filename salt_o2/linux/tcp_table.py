"""TCP sockets as the kernel lists them: /proc/net/tcp and tcp6 (the kernel's proc_net_tcp.rst).

psutil reads the same tables, but it also reads all processes, and only its own process's network namespace.
This module reads one table, and only the processes that the caller names.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

ESTABLISHED, LISTEN = "01", "0A"
"""States of a socket (the kernel's tcp_states.h)."""
PROC = Path("/proc")
Endpoint = tuple[str, int]
"""Address and port."""


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One row of a table; addresses are decoded on access."""

    written_local: str
    written_remote: str
    state: str
    inode: str
    uid: int
    """The user whose process created or accepted it; 0 until a process has accepted it."""

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.written_local.rpartition(":")[2], 16)

    @property
    def local(self) -> Endpoint:
        """The local address and port."""
        return endpoint(self.written_local)

    @property
    def remote(self) -> Endpoint:
        """The remote address and port."""
        return endpoint(self.written_remote)

    @property
    def is_exposed(self) -> bool:
        """Whether the local address is another address than the loopback's."""
        return not ip_address(self.local[0]).is_loopback


def parse(lines: Iterable[str]) -> Iterator[TcpSocket]:
    """Return the sockets of a table; other lines, such as its head, are skipped."""
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[0].endswith(":"):
            yield TcpSocket(fields[1], fields[2], fields[3], fields[9], int(fields[7]))


def sockets(process: str = "self", proc: Path = PROC) -> Iterator[TcpSocket]:
    """Return all TCP sockets of the network namespace of ``process``, a pid; none if it has ended."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            yield from parse((proc / process / "net" / table).read_text().splitlines())


def listening() -> Iterator[TcpSocket]:
    """Return the listening sockets of this network namespace."""
    return (one for one in sockets() if one.state == LISTEN)


def owners_of(address: str, port: int, proc: Path = PROC) -> set[int]:
    """Return the users that listen at ``address`` and ``port``, or have accepted a connection there."""
    open_there = (
        one for one in sockets(proc=proc) if one.state in (LISTEN, ESTABLISHED) and one.port == port
    )
    return {one.uid for one in open_there if one.local[0] in (address, "0.0.0.0", "::")}


def sockets_of(pid: int, state: str, proc: Path = PROC) -> Iterator[TcpSocket]:
    """Return the open TCP sockets of a process in ``state``; none if it ended or is another user's."""
    own = inodes_of(pid, proc)
    return (one for one in sockets(str(pid), proc) if one.state == state and one.inode in own)


def inodes_of(pid: int, proc: Path = PROC) -> set[str]:
    """Return the inodes of the open sockets of a process; none if it ended or is another user's."""
    found, folder = set(), proc / str(pid) / "fd"
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208
            # The socket may have been closed meanwhile.
            with suppress(OSError):
                kind, _, inode = str((folder / name).readlink()).partition(":")
                if kind == "socket":
                    found.add(inode.strip("[]"))
    return found


def endpoint(written: str) -> Endpoint:
    """Return an endpoint of a table: address in words of four bytes in host order, and port."""
    address, _, port = written.partition(":")
    packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    found = ip_address(packed)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found), int(port, 16)
