"""Arguments that a user writes on Salt's command line reach a task as the text that a request would make."""

import importlib.util
from pathlib import Path

import pytest
import salt.config
import salt.loader

from salt_o2.loader import plugin_dirs
from salt_o2.occ.server import OccServer
from salt_o2.occ.wire.replies import DeviceState, Reply, Trigger

ROOT = Path(__file__).resolve().parents[3]
GIVEN = {"flag": True, "number": 7, "nothing": None, "text": "None"}
TEXTS = {"flag": "true", "number": "7", "nothing": "", "text": "None"}


class ServedDevice:
    """A device behind a real server, which records the arguments of its transitions."""

    def __init__(self):
        self.asked, self.entered = [], "IDLE"

    def state(self):
        return DeviceState(self.entered, 4242)

    def transition(self, asked):
        self.asked.append(asked)
        self.entered = "INITIALIZING DEVICE"
        return Reply(True, Trigger.EXECUTOR, self.entered, asked.event)

    def subscribe(self, changes):
        self.changes = changes

    def unsubscribe(self, changes):
        assert changes is self.changes


@pytest.fixture
def modules(tmp_path):
    """Salt's own loader of execution modules, for a minion that has no agent."""
    opts = salt.config.DEFAULT_MINION_OPTS.copy()
    opts |= {"extension_modules": str(tmp_path), "module_dirs": plugin_dirs()["modules"]}
    opts |= {"root_dir": str(tmp_path), "cachedir": str(tmp_path), "grains": {}}
    return salt.loader.minion_mods(opts)


def test_a_device_gets_the_texts_of_the_arguments(modules):
    device = ServedDevice()
    server = OccServer(device, 0, "OCC")
    server.start()
    try:
        modules["occ.transition"](server.port, "INIT DEVICE", GIVEN, codec="OCC", host="127.0.0.1", timeout=5)
    finally:
        server.stop(0)
    assert device.asked[0].arguments == TEXTS


def test_the_agent_gets_the_texts_of_the_arguments():
    spec = importlib.util.spec_from_file_location("module_of_the_agent", ROOT / "modules" / "o2.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module._texts(GIVEN) == TEXTS
