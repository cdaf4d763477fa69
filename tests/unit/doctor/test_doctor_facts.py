"""How the doctor reads configuration and /proc."""

import socket

import pytest

from salt_o2.doctor.collect import gather, read_options
from salt_o2.doctor.parsers import parse_limits, parse_listening, parse_ranges
from salt_o2.doctor.report import Limit

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max open files            1024                 524288               files
Max locked memory         unlimited            unlimited            bytes
"""


def test_limits_are_read_with_unlimited_as_none():
    assert parse_limits(LIMITS) == {
        "memlock": Limit(soft=None, hard=None),
        "nofile": Limit(soft=1024, hard=524288),
    }


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("", ()), ("9000-19999,30000\n", ((9000, 19999), (30000, 30000)))],
    ids=["none", "a-range-and-a-port"],
)
def test_reserved_ports_are_ranges(text, ranges):
    assert parse_ranges(text) == ranges


def test_only_ports_that_are_listened_at_count():
    lines = [
        "  sl  local_address rem_address   st",
        "   0: 0100007F:2382 00000000:0000 0A 00000000:00000000",
        "   1: 0100007F:2383 0100007F:2382 01 00000000:00000000",
    ]
    assert parse_listening(lines) == {0x2382}


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
    lines = [f"  0: {address}:2382 0:0 0A" for address in addresses]
    assert [bool(parse_listening([line], exposed=True)) for line in lines] == list(addresses.values())


def test_configuration_is_read_as_salt_reads_it(tmp_path):
    (tmp_path / "minion").write_text("engines: [{theirs: {}}]\nsock_dir: /a\no2: {address: 1.2.3.4}\n")
    (tmp_path / "minion.d").mkdir()
    (tmp_path / "minion.d" / "10.conf").write_text("engines: [{o2_agent: {}}]\no2: {directory: /d}\n")
    (tmp_path / "minion.d" / "20.conf").write_text("engines: [{more: {}}]\no2: {cpus: 2}\n")
    options = read_options(tmp_path, "minion")
    assert options["engines"] == [{"o2_agent": {}}, {"more": {}}]
    assert options["o2"] == {"directory": "/d", "cpus": 2}
    assert options["sock_dir"] == "/a"


def test_this_machine_is_looked_at_as_it_is(tmp_path):
    sockets = tmp_path / "s"
    (tmp_path / "minion").write_text(f"sock_dir: {sockets}\no2: {{channel_ports: [20000, 20010]}}\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        facts = gather(tmp_path)
        assert server.getsockname()[1] in facts.listening
    (daemon,) = facts.daemons
    assert (daemon.role, daemon.engines, daemon.socket_mode) == ("minion", (), None)
    assert "no agent listens" in daemon.silence
    assert facts.ports["channel_ports"] == (20000, 20010)
    assert facts.salt.startswith("3008")
    assert set(facts.limits) == {"memlock", "nofile"}


def test_a_machine_without_salts_configuration_has_no_daemons(tmp_path):
    assert gather(tmp_path).daemons == ()
