"""The rules of state o2.firewall, in the kernel: who reaches the ports of devices, from where."""

import os
import subprocess
import sys

import pytest

from tests.support.machines.rendered_states import of
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root("set rules in a network namespace"),
    pytest.mark.needs("nft"),
]
CONTROL, CHANNEL, OTHER = 30001, 9001, 7001
HOST, FRIEND, STRANGER = "10.77.0.1", "10.77.0.2", "10.77.0.3"
LISTEN = f"""
import socket, time
made = [socket.create_server(("0.0.0.0", port)) for port in ({CONTROL}, {CHANNEL}, {OTHER})]
print("listening", flush=True)
time.sleep(600)
"""
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def namespaces():
    """A host, another host of its site and a stranger's machine, on one network."""
    names = {name: f"o2-ports-{os.getpid()}-{name}" for name in ("host", "friend", "stranger", "switch")}
    for name in names.values():
        ip("netns", "add", name)
    try:
        ip("-n", names["switch"], "link", "add", "br0", "up", "type", "bridge")
        for name, address in (("host", HOST), ("friend", FRIEND), ("stranger", STRANGER)):
            inside, outside = ("-n", names[name]), f"to-{name}"[:15]
            ip(
                *inside,
                "link",
                "add",
                "eth0",
                "type",
                "veth",
                "peer",
                "name",
                outside,
                "netns",
                names["switch"],
            )
            ip(*inside, "address", "add", f"{address}/24", "dev", "eth0")
            ip(*inside, "link", "set", "eth0", "up")
            ip(*inside, "link", "set", "lo", "up")
            ip("-n", names["switch"], "link", "set", outside, "master", "br0", "up")
        yield names
    finally:
        for name in names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def listening(namespaces):
    """Devices that listen on all addresses, as those of FairMQ do."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", namespaces["host"], sys.executable, "-c", LISTEN], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"listening\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def rules(render, **firewall):
    chunks = render("debian", "o2.host", {"firewall": {"confine": True, **firewall}})
    files = {each["name"]: each for each in of(chunks, "file.managed")}
    return files["/etc/o2/ports.nft"]["contents"]


def load(namespaces, text):
    done = subprocess.run(
        ["ip", "netns", "exec", namespaces["host"], "nft", "-f", "-"],
        input=text,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def reaches(namespaces, where, port, address=HOST, account=""):
    """Return whether a connection from a machine, as an account, is taken."""
    switch = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"] if account else []
    command = ["ip", "netns", "exec", namespaces[where], *switch, "/usr/bin/python3", "-c", CONNECT]
    done = subprocess.run([*command, address, str(port)], capture_output=True, text=True)
    assert done.returncode == 0 or "refused" in done.stderr or "timed out" in done.stderr, done.stderr
    return done.returncode == 0


CASES = [
    ("host", "", "127.0.0.1", True, True),
    ("host", "", HOST, True, True),
    ("host", "65534", "127.0.0.1", False, True),
    ("host", "65534", HOST, False, True),
    ("friend", "", HOST, False, True),
    ("stranger", "", HOST, False, False),
]


@pytest.mark.finding("1.6")
@pytest.mark.finding("2.3")
@pytest.mark.usefixtures("listening")
def test_control_ports_are_for_the_agents_account_and_channels_for_the_site(namespaces, render):
    def table():
        return {
            (where, account, address): (
                reaches(namespaces, where, CONTROL, address, account),
                reaches(namespaces, where, CHANNEL, address, account),
            )
            for where, account, address, _, _ in CASES
        }

    wait_until(lambda: reaches(namespaces, "stranger", CHANNEL), "the switch forwards")
    assert set(table().values()) == {(True, True)}, "without the state all ports are open to all"
    load(namespaces, rules(render, sources=[FRIEND, "fd00::/8"]))
    assert table() == {(where, account, address): (c, d) for where, account, address, c, d in CASES}
    assert reaches(namespaces, "stranger", OTHER), "other ports are left to the site's own firewall"
    load(namespaces, rules(render, sources=[FRIEND]))  # loading them again replaces them


@pytest.mark.usefixtures("listening")
def test_the_master_may_ask_whether_devices_live(namespaces, render):
    load(namespaces, rules(render, masters=[FRIEND]))
    wait_until(lambda: reaches(namespaces, "stranger", OTHER), "the switch forwards")
    assert reaches(namespaces, "friend", CONTROL)
    assert not reaches(namespaces, "stranger", CONTROL)
    assert not reaches(namespaces, "host", CONTROL, account="65534")


@pytest.mark.usefixtures("listening")
def test_without_sources_channels_stay_open_to_the_network(namespaces, render):
    load(namespaces, rules(render))
    wait_until(lambda: reaches(namespaces, "stranger", CHANNEL), "the switch forwards")
    assert not reaches(namespaces, "stranger", CONTROL)


def test_the_rules_are_loaded_at_boot_and_whenever_they_are_missing(render):
    chunks = of(render("rhel", "o2.host", {"firewall": {"confine": True}}), "cmd.run")
    commands = {each["__id__"]: each for each in chunks}
    assert "o2-ports.service" in commands["o2_ports_at_boot"]["name"]
    assert commands["o2_ports_missing"]["unless"] == "nft list table inet o2_ports"
    assert {"file": "/etc/o2/ports.nft"} in commands["o2_ports_changed"]["onchanges"]
