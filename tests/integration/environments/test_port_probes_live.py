"""A living device speaks first at its control port; a stopped or dead one does not: ours and FairMQ's own."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from salt_o2.control.hosts.port_probe import PortProbe
from tests.support.harness.device_topology import OURS, PATIENCE_S, Stage
from tests.support.waiting import wait_until

PREFIX = os.environ.get("O2_FAIRMQ_PREFIX", "")
needs_fairmq = pytest.mark.skipif(not PREFIX, reason="O2_FAIRMQ_PREFIX names no FairMQ installation")
THEIRS = [f"{PREFIX}/bin/fairmq-ex-1-n-1-sink", "-S", f"<{PREFIX}/lib/", "--color", "false"]
SOON_S = 0.5

pytestmark = pytest.mark.integration


def is_stopped(pid):
    """Tell whether a signal to stop has reached all threads; that takes a moment on a busy machine."""
    stats = [task / "stat" for task in Path(f"/proc/{pid}/task").iterdir()]
    return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in stats)


@pytest.mark.parametrize(
    ("command", "codec"),
    [
        pytest.param([OURS, "sink"], "OCClite", id="ours"),
        pytest.param(THEIRS, "OCClite", id="fairmq-OCClite", marks=needs_fairmq),
        pytest.param(THEIRS, "OCC", id="fairmq-OCC", marks=needs_fairmq),
    ],
)
def test_a_device_answers_a_probe_exactly_while_it_runs(tmp_path, command, codec):
    async def watch():
        async with Stage(tmp_path) as stage:
            device = stage.start("sink", command, codec)
            await device.ready()
            probe, port = PortProbe(), [device.channel.port]
            assert await probe.speaks("127.0.0.1", port, PATIENCE_S) is True
            os.kill(device.process.pid, signal.SIGSTOP)
            wait_until(lambda: is_stopped(device.process.pid), "all its threads stand still")
            assert await probe.speaks("127.0.0.1", port, SOON_S) is False
            os.kill(device.process.pid, signal.SIGCONT)
            for _ in range(3):
                assert await probe.speaks("127.0.0.1", port, PATIENCE_S) is True
            await device.ready()  # it serves its agent as before
            device.process.kill()
            await device.code()
            assert await probe.speaks("127.0.0.1", port, PATIENCE_S) is False

    asyncio.run(watch())
