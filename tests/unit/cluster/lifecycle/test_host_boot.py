"""Boots of the hosts of a private cluster: an id each, and a sudden end."""

import subprocess
from pathlib import Path

import pytest

from salt_o2.cluster.lifecycle import host_boot
from salt_o2.cluster.namespaces import Network, obstacle
from salt_o2.cluster.paths import MARKER, layout
from salt_o2.cluster.processes import end, marked, spawn, start_time
from salt_o2.core.errors import O2Error
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.root("make network namespaces"),
    pytest.mark.skipif(bool(obstacle()), reason=f"hosts have no boots of their own here: {obstacle()}"),
]

READ = ["cat", host_boot.BOOT_ID]


@pytest.fixture
def place(tmp_path):
    """A cluster with two hosts that have networks and boots of their own, and no daemon."""
    place = layout(tmp_path)
    Network(place.directory).build(("flp1", "flp2"))
    yield place
    end(marked(place.directory), 5)
    Network(place.directory).remove()


def boot_id(place, host):
    done = subprocess.run(
        [*host_boot.entrance(place, host), *READ], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_each_host_has_a_boot_id_of_its_own_until_it_is_rebooted(place):
    machine = Path(host_boot.BOOT_ID).read_text().strip()
    one, other = boot_id(place, "flp1"), boot_id(place, "flp2")
    assert len({machine, one, other}) == 3
    assert boot_id(place, "flp1") == one
    host_boot.renew(place, "flp1")
    assert boot_id(place, "flp1") not in (machine, one, other)
    assert boot_id(place, "flp2") == other


def test_the_boot_id_of_a_host_is_not_visible_on_the_machine(place):
    machine = Path(host_boot.BOOT_ID).read_text()
    boot_id(place, "flp1")
    assert Path(host_boot.BOOT_ID).read_text() == machine
    assert str(place.directory) not in Path("/proc/self/mountinfo").read_text()


def start_on(place, host, command):
    """Start ``command`` on a host, as the cluster's daemons are; return its process when it says "there"."""
    argv = [*Network(place.directory).entrance(host), *host_boot.entrance(place, host), *command]
    env = {MARKER: str(place.directory), "PATH": "/usr/bin:/bin"}
    said = place.output(host)
    process = spawn(host, argv, env, said)
    wait_until(lambda: said.read_text() == "there\n", "the process is there")
    return process


SUPERVISOR = "trap '' TERM; while :; do sh -c 'echo there; exec sleep 600' & wait; done"
"""It starts its child again whenever it ends."""


def test_all_processes_of_a_host_end_at_once_and_other_hosts_continue(place):
    start_on(place, "flp1", ["sh", "-c", SUPERVISOR])
    other = start_on(place, "flp2", ["sh", "-c", "echo there; exec sleep 600"])
    before = host_boot.processes_on(place, "flp1")
    assert len(before) >= 2
    ended = host_boot.end_host(place, "flp1")
    assert {one.pid for one in before} <= {one.pid for one in ended}
    assert host_boot.processes_on(place, "flp1") == []
    assert not any(one.alive for one in ended)
    assert other.alive


def test_a_process_of_another_account_on_the_host_is_not_stopped(place):
    argv = [*Network(place.directory).entrance("flp1"), "sleep", "600"]
    with subprocess.Popen(argv) as stranger:
        host_boot.end_host(place, "flp1")
        assert start_time(stranger.pid) is not None
        stranger.kill()


def test_a_process_that_does_not_end_is_reported(place, monkeypatch):
    start_on(place, "flp1", ["sh", "-c", "echo there; exec sleep 600"])
    monkeypatch.setattr(host_boot, "wait_until_gone", lambda processes, _timeout: list(processes))
    with pytest.raises(O2Error, match="sleep 600 do not end"):
        host_boot.end_host(place, "flp1")
