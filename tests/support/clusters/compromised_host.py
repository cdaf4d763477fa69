"""A program that holds one minion's key and nothing else, and tells the master what it likes.

It speaks to the master as that minion: everything that Salt lets a minion send, it can send. Salt checks who
sends a message, but not what an event inside the message says of its sender.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgpack

SCRIPT = """
import asyncio, sys, msgpack
import salt.channel.client, salt.config
from tornado.ioloop import IOLoop

async def main():
    opts = salt.config.minion_config(sys.argv[1])
    opts["master_uri"] = f"tcp://{opts['master']}:{opts['master_port']}"
    loads = msgpack.unpackb(sys.stdin.buffer.read(), strict_map_key=False)
    channel = salt.channel.client.AsyncReqChannel.factory(opts, io_loop=IOLoop.current())
    for load in loads:
        await channel.send({"cmd": "_minion_event", "id": opts["id"], **load}, timeout=20)
    channel.close()

asyncio.run(main())
"""


def send(cluster, host, loads):
    """Send ``loads`` with the key of ``host``, and wait until the master of ``cluster`` has taken them."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(config_of(cluster, host))],
        input=msgpack.packb(loads),
        env=_environ(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def config_of(cluster, host):
    """Return the configuration file of the minion ``host``."""
    return Path(cluster.directory) / host / "minion"


def imitated(host, data):
    """Return a message whose event says that it comes from the agent on ``host``."""
    tag = f"salt/o2/agent/{host}"
    return {"events": [{"tag": tag, "data": {"id": host, "tag": tag, "data": data}}], "pretag": None}


def honest(host, data):
    """Return a message in the form that agents use."""
    return {"tag": f"salt/o2/agent/{host}", "data": data, "pretag": None}


LISTEN = """
import asyncio, sys, msgpack
import salt.channel.client, salt.config
from tornado.ioloop import IOLoop

async def main():
    opts = salt.config.minion_config(sys.argv[1])
    opts["master_uri"] = f"tcp://{opts['master']}:{opts['master_port']}"
    channel = salt.channel.client.AsyncPubChannel.factory(opts, io_loop=IOLoop.current())
    await channel.connect()

    async def show(payload):
        sys.stdout.buffer.write(msgpack.packb(payload.get("load", {})))
        sys.stdout.buffer.flush()

    channel.on_recv(show)
    sys.stdout.buffer.write(msgpack.packb({"listening": True}))
    sys.stdout.buffer.flush()
    await asyncio.get_running_loop().create_future()

asyncio.run(main())
"""


class Listener:
    """Decrypts all that the master publishes, with the key of one host, as every minion can."""

    def __init__(self, cluster, host):
        self._command = [sys.executable, "-c", LISTEN, str(config_of(cluster, host))]
        self._unpacker = msgpack.Unpacker(strict_map_key=False)

    def __enter__(self):
        self._process = subprocess.Popen(self._command, env=_environ(), stdout=subprocess.PIPE)
        self.wait_for(lambda load: load.get("listening"))
        return self

    def __exit__(self, *_error):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def wait_for(self, wanted):
        """Return all loads up to the first one that is ``wanted``."""
        loads = []
        while True:
            loads.extend(self._unpacker)
            if any(wanted(load) for load in loads):
                return loads
            data = os.read(self._process.stdout.fileno(), 65536)
            assert data, "the listener has ended"
            self._unpacker.feed(data)


def _environ():
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
