"""Which of several masters the agent follows; real sockets of a real process in the place of the minion."""

import asyncio
import socket
import subprocess
import sys

import pytest
import salt.config

from salt_o2.bus.minion_master import Masters, configured, connected

FIRST, SECOND, DEAD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
MINION = """
import socket, sys
links = {}
for line in sys.stdin:
    word, address, port = line.split()
    if word == "connect":
        links[address] = socket.create_connection((address, int(port)))
    else:
        links.pop(address).close()
    print("done", flush=True)
"""


class Minion:
    """A process that connects to a given address."""

    def __init__(self, port):
        self.port = port
        self.process = subprocess.Popen(
            [sys.executable, "-c", MINION], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, word, address):
        self.process.stdin.write(f"{word} {address} {self.port}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def minion():
    """A minion, and two masters that listen on one port of addresses of their own."""
    listening = socket.create_server((FIRST, 0))
    other = socket.create_server((SECOND, listening.getsockname()[1]))
    minion = Minion(listening.getsockname()[1])
    with listening, other:
        yield minion
        minion.process.kill()
        minion.process.communicate()


def masters(minion, *names):
    opts = dict(salt.config.DEFAULT_MINION_OPTS) | {"publish_port": minion.port, "__role": "minion"}
    return Masters(opts, minion.process.pid, names)


def found(choice):
    return asyncio.run(asyncio.wait_for(choice.find(), 20))["master_ip"]


def test_the_connections_of_a_process_are_seen_and_no_others(minion):
    assert connected(minion.process.pid) == set()
    minion.do("connect", FIRST)
    assert connected(minion.process.pid) == {(FIRST, minion.port)}
    minion.do("close", FIRST)
    assert connected(minion.process.pid) == set()


def test_a_dead_first_master_is_passed_over(minion):
    minion.do("connect", SECOND)
    assert found(masters(minion, DEAD, SECOND)) == SECOND


def test_of_several_active_masters_the_first_of_the_configuration_is_followed(minion):
    minion.do("connect", SECOND)
    minion.do("connect", FIRST)
    assert found(masters(minion, FIRST, SECOND)) == FIRST
    assert found(masters(minion, SECOND, FIRST)) == SECOND


def test_a_name_that_cannot_be_resolved_is_passed_over(minion):
    minion.do("connect", FIRST)
    assert found(masters(minion, "no-such-master.invalid", FIRST)) == FIRST


def test_the_agent_follows_its_minion_to_another_master(minion):
    choice = masters(minion, FIRST, SECOND)

    async def scene():
        minion.do("connect", FIRST)
        followed = await choice.find()
        moving = asyncio.ensure_future(choice.changed(followed))
        minion.do("close", FIRST)
        minion.do("connect", SECOND)
        await asyncio.wait_for(moving, 20)
        assert (await choice.find())["master_ip"] == SECOND

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("written", "names"), [("master: one", ["one"]), ("master: [one, two:4511]", ["one", "two:4511"])]
)
def test_the_configuration_says_which_masters_there_are(tmp_path, written, names):
    (tmp_path / "minion").write_text(f"{written}\nid: flp1\nroot_dir: {tmp_path}\n")
    opts = {"conf_file": str(tmp_path / "minion"), "master": "one"}
    assert configured(opts) == names
