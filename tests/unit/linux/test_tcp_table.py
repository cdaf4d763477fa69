"""How tables of TCP sockets are read."""

import os
import socket
import subprocess

import pytest

from salt_o2.linux import tcp_table
from salt_o2.linux.procfs import listening_ports, ports_of

REST = "00000000:00000000 00:00000000 00000000     0        0 31337 1 0000000000000000 100 0 0 10 0"
TABLE = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    f"   0: 0100007F:2382 00000000:0000 0A {REST}",
    f"   1: 0100007F:2383 0200A8C0:2382 01 {REST}",
]


def test_a_row_has_both_ends_the_state_and_the_inode():
    listening, connected = tcp_table.parse(TABLE)
    assert (listening.port, listening.state, listening.inode) == (0x2382, tcp_table.LISTEN, "31337")
    assert connected.state == tcp_table.ESTABLISHED
    assert (connected.local, connected.remote) == (("127.0.0.1", 0x2383), ("192.168.0.2", 0x2382))


def test_ports_at_the_loopback_are_not_exposed():
    addresses = {
        "0100007F": False,
        "0200007F": False,
        "00000000": True,
        "0100000A": True,
        "00000000000000000000000001000000": False,
        "0000000000000000FFFF00000100007F": False,
        "00000000000000000000000000000000": True,
        "0000000000000000000000000200007F": True,
    }
    rows = tcp_table.parse(f"  0: {address}:2382 00000000:0000 0A {REST}" for address in addresses)
    assert [one.is_exposed for one in rows] == list(addresses.values())


def test_a_port_is_listed_for_its_process_while_it_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port in listening_ports()
        assert port in ports_of(os.getpid())
        with socket.create_connection(("127.0.0.1", port)) as client:
            ends = {
                (one.local, one.remote) for one in tcp_table.sockets_of(os.getpid(), tcp_table.ESTABLISHED)
            }
            assert (client.getsockname(), client.getpeername()) in ends
    assert port not in ports_of(os.getpid())


def test_a_process_that_is_gone_has_no_sockets():
    with subprocess.Popen(["true"]) as child:
        pass
    assert list(tcp_table.sockets_of(child.pid, tcp_table.LISTEN)) == []
    assert tcp_table.inodes_of(child.pid) == set()


@pytest.mark.finding("X13")
def test_the_owners_of_a_port_listen_there_or_have_accepted_there(tmp_path):
    rows = [
        ("0100007F:2382 00000000:0000 0A", 1),
        ("00000000:2382 00000000:0000 0A", 2),
        ("0100007F:2382 0100007F:9999 01", 3),
        ("0100007F:2382 0100007F:9998 06", 4),  # closed
        ("0200007F:2382 00000000:0000 0A", 5),  # another address
        ("0100007F:9999 0100007F:2382 01", 6),  # the other end
        ("0100007F:2383 00000000:0000 0A", 7),  # another port
    ]
    rest = "00000000:00000000 00:00000000 00000000 {} 0 31337 1 0000000000000000 100 0 0 10 0"
    table = tmp_path / "self" / "net" / "tcp"
    table.parent.mkdir(parents=True)
    table.write_text("\n".join(f" {n}: {row} {rest.format(uid)}" for n, (row, uid) in enumerate(rows)))
    assert tcp_table.owners_of("127.0.0.1", 0x2382, tmp_path) == {1, 2, 3}
