"""How the doctor reads configuration and /proc."""

import contextlib
import os
import resource
import socket
import subprocess

import pytest

from salt_o2.doctor.collect import gather, limits_of, private_sockets, read_options
from salt_o2.doctor.parsers import parse_ranges
from salt_o2.doctor.report import Daemon, Limit


def test_limits_are_those_of_the_process_with_unlimited_as_none():
    for name, number in (("memlock", resource.RLIMIT_MEMLOCK), ("nofile", resource.RLIMIT_NOFILE)):
        soft, hard = (None if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(number))
        assert limits_of(os.getpid())[name] == Limit(soft=soft, hard=hard)


def test_a_process_that_is_gone_has_no_limits():
    with subprocess.Popen(["true"]) as child:
        pass
    assert limits_of(child.pid) == {}


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("", ()), ("9000-19999,30000\n", ((9000, 19999), (30000, 30000)))],
    ids=["none", "a-range-and-a-port"],
)
def test_reserved_ports_are_ranges(text, ranges):
    assert parse_ranges(text) == ranges


def test_configuration_is_read_as_salt_reads_it(tmp_path):
    (tmp_path / "minion").write_text("engines: [{theirs: {}}]\nsock_dir: /a\no2: {address: 1.2.3.4}\n")
    (tmp_path / "minion.d").mkdir()
    (tmp_path / "minion.d" / "10.conf").write_text("engines: [{o2_agent: {}}]\no2: {directory: /d}\n")
    (tmp_path / "minion.d" / "20.conf").write_text("engines: [{more: {}}]\no2: {cpus: 2}\n")
    options = read_options(tmp_path, "minion")
    assert options["engines"] == [{"o2_agent": {}}, {"more": {}}]
    assert options["o2"] == {"directory": "/d", "cpus": 2}
    assert options["sock_dir"] == "/a"


def test_the_facts_of_this_machine_are_its_sockets_and_configuration(tmp_path):
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


@pytest.mark.finding("1.6")
def test_sockets_of_devices_count_while_a_process_listens_there(tmp_path):
    daemon = Daemon(role="minion", engine="o2_agent", config="", stored_at=str(tmp_path))
    folder = tmp_path / "tasks/sink/control"
    folder.mkdir(parents=True)
    (folder / "30002").touch()
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(folder):
        listener.bind("30001")
        assert private_sockets([daemon]) == {}, "a killed device leaves its socket"
        listener.listen()
        (folder / "30001").chmod(0o600)
        assert private_sockets([daemon]) == {30001: 0o600}


def test_a_machine_without_salts_configuration_has_no_daemons(tmp_path):
    assert gather(tmp_path).daemons == ()
