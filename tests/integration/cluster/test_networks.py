"""Networks of namespaces on this machine: made, faulted, healed, and gone without a trace."""

import socket
import subprocess
import sys

import pytest

from salt_o2.cluster.namespaces import MASTER, Network, address, ip, obstacle
from salt_o2.cluster.network_links import Link
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root("make network namespaces"),
    pytest.mark.skipif(bool(obstacle()), reason=f"no network namespaces: {obstacle()}"),
]
HOSTS = ("flp1", "flp2")
SALT, OTHER = 4505, 7000
TRIES = 40

SERVE = """
import socket, sys, selectors
wait = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    one = socket.create_server(("", port), backlog=64)
    wait.register(one, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in wait.select():
        key.fileobj.accept()[0].close()
"""
ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.3).close()
except OSError as error:
    sys.exit(str(error))
"""
SHOUT = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    for n in range(int(sys.argv[3])):
        out.sendto(b"x", (sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
def network(tmp_path):
    """A master and two hosts that can reach each other."""
    network = Network(tmp_path)
    network.build(HOSTS)
    yield network
    network.remove()
    assert network.names() == []


@pytest.fixture
def served(network):
    """The network with something that listens on the master at Salt's port and at another."""
    command = [*network.entrance(MASTER), sys.executable, "-c", SERVE, str(SALT), str(OTHER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline() == b"ready\n"
        yield network
        server.kill()


@pytest.fixture
def link(served):
    """The link of one of the hosts."""
    return Link(served, "flp1", (SALT, SALT + 1))


def reaches(network, host, port=OTHER, target=MASTER):
    """Whether ``host`` can connect to ``target``."""
    command = [*network.entrance(host), sys.executable, "-c", ASK, address(HOSTS, target), str(port)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_hosts_reach_each_other_and_no_other_address(served):
    assert all(reaches(served, host) for host in HOSTS)
    with socket.create_server(("127.0.0.1", 0)) as of_the_machine:
        port = of_the_machine.getsockname()[1]
        outside = [*served.entrance("flp1"), sys.executable, "-c", ASK, "127.0.0.1", str(port)]
        assert subprocess.run(outside, check=False, capture_output=True).returncode != 0


def test_no_network_of_a_cluster_is_visible_on_the_machine(network):
    assert "10.79." not in ip("address", "show")
    for name in network.names():
        routes = ip("-n", name, "route", "show").splitlines()
        assert all(route.startswith("10.79.0.0/16 dev eth0 ") for route in routes), routes


@pytest.mark.parametrize(
    "fault",
    [
        "cut",
        pytest.param("drop_outgoing", marks=pytest.mark.needs("nft")),
        pytest.param("drop_incoming", marks=pytest.mark.needs("nft")),
    ],
)
def test_a_host_is_out_of_reach_until_its_link_is_healed(served, link, fault):
    getattr(link, fault)()
    assert not reaches(served, "flp1")
    assert reaches(served, "flp2")
    link.restore()
    wait_until(lambda: reaches(served, "flp1"), "it is reached again")


@pytest.mark.needs("nft")
def test_a_link_that_drops_all_drops_only_the_ports_of_salt(served, link):
    link.drop_all()
    assert not reaches(served, "flp1", SALT)
    assert reaches(served, "flp1", OTHER)
    link.restore()
    wait_until(lambda: reaches(served, "flp1", SALT), "Salt is reached again")


def received(network, sender, receiver, count):
    """How many of ``count`` datagrams arrive."""
    hear = (
        "import socket, sys\nown = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "own.bind(('', 7100))\nprint('ready', flush=True)\nown.settimeout(1)\nheard = 0\n"
        "try:\n    while own.recv(9): heard += 1\nexcept TimeoutError: print(heard, flush=True)"
    )
    command = [*network.entrance(receiver), sys.executable, "-c", hear]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
        assert listener.stdout.readline() == b"ready\n"
        shout = [sys.executable, "-c", SHOUT, address(HOSTS, receiver), "7100", str(count)]
        subprocess.run([*network.entrance(sender), *shout], check=True)
        return int(listener.stdout.readline())


def meet(network):
    """Have flp2 and flp1 know where the other is: later one of them cannot answer."""
    wait_until(lambda: received(network, "flp2", "flp1", 1), "a datagram arrives")


@pytest.mark.needs("nft")
def test_a_host_whose_outgoing_packets_are_dropped_still_receives(served, link):
    meet(served)
    link.drop_outgoing()
    assert received(served, "flp2", "flp1", TRIES) == TRIES
    assert received(served, "flp1", "flp2", TRIES) == 0


@pytest.mark.needs("nft")
def test_some_packets_are_lost_and_some_are_not(served, link):
    meet(served)
    link.lose()
    assert 0 < received(served, "flp2", "flp1", 10 * TRIES) < 10 * TRIES


@pytest.mark.needs("tc")
def test_a_slow_link_still_connects(served, link):
    link.throttle()
    assert reaches(served, "flp1")
    link.restore()
    wait_until(lambda: reaches(served, "flp1"), "it is reached again")


def test_existing_networks_are_not_changed(served):
    before = served.names()
    served.build(HOSTS)
    assert served.names() == before
    assert reaches(served, "flp1")


def test_a_half_made_network_is_completed_or_removed(network):
    ip("netns", "delete", network.of("flp2"))
    ip("-n", network.of("flp1"), "link", "delete", "eth0")
    network.build(HOSTS)
    assert network.names() == [network.name, *(network.of(host) for host in (*HOSTS, MASTER))]
    ip("netns", "delete", network.name)
    assert network.remove()
    assert network.names() == []


def test_networks_of_two_clusters_do_not_meet(served, tmp_path):
    other = Network(tmp_path / "other")
    try:
        other.build(HOSTS)
        assert not reaches(other, "flp1")
    finally:
        other.remove()
    assert reaches(served, "flp1")
