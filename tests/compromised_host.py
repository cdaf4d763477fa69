"""A program that holds one minion's key and nothing else, and tells the master what it likes.

It speaks to the master as that minion: everything that Salt lets a minion send, it can send. Salt checks who
sends a message, but not what an event inside the message says of its sender.
"""

import os
import subprocess
import sys
from pathlib import Path

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
    """Send ``loads`` to the master of ``cluster`` with the key of ``host``, and wait until it has taken them."""
    import msgpack

    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(config_of(cluster, host))],
        input=msgpack.packb(loads),
        env=environ,
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
