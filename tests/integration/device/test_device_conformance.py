"""The laws of a FairMQ device, tried against ours and, where there is one, against FairMQ's own.

``O2_FAIRMQ_PREFIX`` names an installation of FairMQ with its example devices and the OCC plugins.
"""

import os
import sys
from pathlib import Path

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.conformance import check
from salt_o2.device.conformance.data_flow import LAWS as WIRE_LAWS
from salt_o2.device.conformance.device_under_test import declared_channels, usual_channels
from salt_o2.device.conformance.runner import laws_under, try_law

PREFIX = os.environ.get("O2_FAIRMQ_PREFIX", "")
needs_fairmq = pytest.mark.skipif(not PREFIX, reason="O2_FAIRMQ_PREFIX names no FairMQ installation")

OURS = str(Path(sys.executable).with_name("o2-device"))
THEIRS = f"{PREFIX}/bin/fairmq-ex-"

ALL_LAWS = [
    pytest.param(law, codec, id=f"{codec}-{law.__name__}")
    for codec in ("OCClite", "OCC")
    for law in laws_under(codec)
]
DATA_LAWS = [pytest.param(law, id=law.__name__) for law in WIRE_LAWS]


def assert_holds(law, command, codec):
    finding = try_law(law, command, codec)
    assert finding.ok, f"{finding.name} {finding.detail}"


@pytest.mark.integration
@pytest.mark.parametrize(("law", "codec"), ALL_LAWS)
def test_our_sampler_obeys_every_law(law, codec):
    assert_holds(law, [OURS, "sampler", "--rate", "50"], codec)


@pytest.mark.integration
@pytest.mark.parametrize("law", DATA_LAWS)
@pytest.mark.parametrize("kind", ["processor", "dispatcher", "sink"])
def test_our_other_kinds_exchange_data_with_plain_sockets(law, kind):
    assert_holds(law, [OURS, kind], "OCClite")


@needs_fairmq
@pytest.mark.integration
@pytest.mark.parametrize(("law", "codec"), ALL_LAWS)
def test_fairmqs_sampler_obeys_every_law(law, codec):
    assert_holds(law, [f"{THEIRS}1-n-1-sampler", "-S", f"{PREFIX}/lib"], codec)


@needs_fairmq
@pytest.mark.integration
@pytest.mark.parametrize("law", DATA_LAWS)
@pytest.mark.parametrize("kind", ["processor", "sink"])
def test_fairmqs_other_kinds_exchange_data_with_plain_sockets(law, kind):
    assert_holds(law, [f"{THEIRS}1-n-1-{kind}", "-S", f"{PREFIX}/lib"], "OCC")


@pytest.mark.integration
class TestThatItFindsFaults:
    """A law that cannot fail says nothing."""

    def found(self, command, law_name, codec="OCClite"):
        (law,) = [law for law in laws_under(codec) if law.__name__ == law_name]
        return try_law(law, command, codec)

    def test_a_program_that_ends_at_once(self):
        finding = self.found(["false"], "idle_with_pid")
        assert not finding.ok
        assert "ended with 1 before it was IDLE" in finding.detail

    def test_a_device_that_ignores_a_wrong_number(self, tmp_path):
        finding = self.found(_careless(tmp_path), "no_number")
        assert not finding.ok
        assert "INIT DEVICE succeeded" in finding.detail

    def test_a_device_that_fails_in_its_own_code_is_quoted(self, tmp_path):
        finding = self.found(_careless(tmp_path), "two_cycles")
        assert not finding.ok
        assert "no such luck" in finding.detail

    def test_a_device_that_sends_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setattr("salt_o2.device.conformance.data_flow.PATIENCE_S", 0.5)
        finding = self.found([OURS, "sink", "--channel-config", "name=data,type=push"], "sends_over_ipc")
        assert (finding.ok, "nothing comes out" in finding.detail) == (False, True)


def _careless(folder):
    """A device that looks at nothing that is pushed, and then fails to initialise."""
    (folder / "careless.py").write_text(
        "from salt_o2.device import Device\n"
        "from salt_o2.device.properties import Properties\n"
        "Properties.push = lambda self, arguments: None\n"
        "class Careless(Device):\n"
        "    def init_task(self):\n"
        "        raise ValueError('no such luck')\n"
    )
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from salt_o2.device.main import main; "
    return [sys.executable, "-c", code + "sys.exit(main(['careless:Careless', *sys.argv[1:]]))"]


def test_no_command_or_one_that_does_not_exist_is_refused_before_anything_starts():
    for command in ([], ["no-such-command-anywhere"]):
        with pytest.raises(InvalidRequestError):
            next(check(command))


def test_channels_come_from_the_commands_own_configuration():
    command = ["my-device", "--channel-config", "name=raw,type=sub,method=bind", "name=out,type=pub"]
    assert declared_channels(command) == {"raw": "sub", "out": "pub"}
    assert declared_channels(["my-device", "--channel-config=name=raw,type=sub"]) == {"raw": "sub"}


@pytest.mark.parametrize(
    ("command", "channels"),
    [
        ("o2-device sampler", {"data1": "push"}),
        ("fairmq-ex-1-n-1-processor", {"data1": "pull", "data2": "push"}),
        ("fairmq-ex-copypush-sink", {"data": "pull"}),
        ("anything else", {"data": "push"}),
    ],
)
def test_channels_are_otherwise_those_usual_for_the_kind(command, channels):
    assert usual_channels(command.split()) == channels
