"""TCP sockets as the kernel lists them: /proc/net/tcp and tcp6 (the kernel's proc_net_tcp.rst).

psutil reads the same tables, but looks at all processes for them, and only at the network of its own process.
Here one table is read, and no process unless it is named.
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
    """One row of a table; addresses are read when they are asked for."""

    written_local: str
    written_remote: str
    state: str
    inode: str
    uid: int
    """The user whose process made or accepted it; 0 as long as none has accepted it."""

    @property
    def port(self) -> int:
        """The local port."""
        return int(self.written_local.rpartition(":")[2], 16)

    @property
    def local(self) -> Endpoint:
        """Its own end."""
        return endpoint(self.written_local)

    @property
    def remote(self) -> Endpoint:
        """The other end."""
        return endpoint(self.written_remote)

    @property
    def is_exposed(self) -> bool:
        """Whether its own end is another address than the loopback's."""
        return not ip_address(self.local[0]).is_loopback


def parse(lines: Iterable[str]) -> Iterator[TcpSocket]:
    """Return the sockets of a table; lines that are none, such as its head, are left out."""
    for line in lines:
        fields = line.split()
        if len(fields) > 9 and fields[0].endswith(":"):
            yield TcpSocket(fields[1], fields[2], fields[3], fields[9], int(fields[7]))


def sockets(process: str = "self", proc: Path = PROC) -> Iterator[TcpSocket]:
    """Return all TCP sockets of the network in which ``process``, a pid, is; none if it is gone."""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            yield from parse((proc / process / "net" / table).read_text().splitlines())


def listening() -> Iterator[TcpSocket]:
    """Return the sockets in this network that listen."""
    return (one for one in sockets() if one.state == LISTEN)


def owners_of(address: str, port: int, proc: Path = PROC) -> set[int]:
    """Return the users that listen at ``address`` and ``port``, or have accepted a connection there."""
    open_there = (
        one for one in sockets(proc=proc) if one.state in (LISTEN, ESTABLISHED) and one.port == port
    )
    return {one.uid for one in open_there if one.local[0] in (address, "0.0.0.0", "::")}


def sockets_of(pid: int, state: str, proc: Path = PROC) -> Iterator[TcpSocket]:
    """Return the TCP sockets that a process has open in ``state``; none if it is gone, or another user's."""
    own = inodes_of(pid, proc)
    return (one for one in sockets(str(pid), proc) if one.state == state and one.inode in own)


def inodes_of(pid: int, proc: Path = PROC) -> set[str]:
    """Return the inodes of the sockets that a process has open; none if it is gone, or another user's."""
    found, folder = set(), proc / str(pid) / "fd"
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208
            with suppress(OSError):  # closed meanwhile
                kind, _, inode = str((folder / name).readlink()).partition(":")
                if kind == "socket":
                    found.add(inode.strip("[]"))
    return found


def endpoint(written: str) -> Endpoint:
    """Return an end as a table has it: address in words of four bytes in host order, and port."""
    address, _, port = written.partition(":")
    packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    found = ip_address(packed)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found), int(port, 16)
