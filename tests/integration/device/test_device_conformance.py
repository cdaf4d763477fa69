"""Rules of a FairMQ device, tried against ours and, where there is one, against FairMQ's own.

``O2_FAIRMQ_PREFIX`` names an installation of FairMQ with its example devices and the OCC plugins.
"""

import os
import sys
from pathlib import Path

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.conformance import check
from salt_o2.device.conformance.data_flow import RULES as WIRE_RULES
from salt_o2.device.conformance.device_under_test import declared_channels, usual_channels
from salt_o2.device.conformance.runner import check_rule, rules_for

PREFIX = os.environ.get("O2_FAIRMQ_PREFIX", "")
needs_fairmq = pytest.mark.skipif(not PREFIX, reason="O2_FAIRMQ_PREFIX names no FairMQ installation")

OURS = str(Path(sys.executable).with_name("o2-device"))
THEIRS = f"{PREFIX}/bin/fairmq-ex-"

ALL_RULES = [
    pytest.param(rule, codec, id=f"{codec}-{rule.__name__}")
    for codec in ("OCClite", "OCC")
    for rule in rules_for(codec)
]
DATA_RULES = [pytest.param(rule, id=rule.__name__) for rule in WIRE_RULES]


def assert_holds(rule, command, codec):
    finding = check_rule(rule, command, codec)
    assert finding.ok, f"{finding.name} {finding.detail}"


@pytest.mark.integration
@pytest.mark.parametrize(("rule", "codec"), ALL_RULES)
def test_our_sampler_obeys_every_rule(rule, codec):
    assert_holds(rule, [OURS, "sampler", "--rate", "50"], codec)


@pytest.mark.integration
@pytest.mark.parametrize("rule", DATA_RULES)
@pytest.mark.parametrize("kind", ["processor", "dispatcher", "sink"])
def test_our_other_kinds_exchange_data_with_plain_sockets(rule, kind):
    assert_holds(rule, [OURS, kind], "OCClite")


@needs_fairmq
@pytest.mark.integration
@pytest.mark.parametrize(("rule", "codec"), ALL_RULES)
def test_fairmqs_sampler_obeys_every_rule(rule, codec):
    assert_holds(rule, [f"{THEIRS}1-n-1-sampler", "-S", f"{PREFIX}/lib"], codec)


@needs_fairmq
@pytest.mark.integration
@pytest.mark.parametrize("rule", DATA_RULES)
@pytest.mark.parametrize("kind", ["processor", "sink"])
def test_fairmqs_other_kinds_exchange_data_with_plain_sockets(rule, kind):
    assert_holds(rule, [f"{THEIRS}1-n-1-{kind}", "-S", f"{PREFIX}/lib"], "OCC")


@pytest.mark.integration
class TestThatItFindsFaults:
    """A rule that cannot be violated proves nothing."""

    def found(self, command, rule_name, codec="OCClite"):
        (rule,) = [rule for rule in rules_for(codec) if rule.__name__ == rule_name]
        return check_rule(rule, command, codec)

    def test_a_program_that_ends_at_once_fails_the_check_for_idle(self):
        finding = self.found(["false"], "idle_with_pid")
        assert not finding.ok
        assert "ended with 1 before it was IDLE" in finding.detail

    def test_a_device_that_accepts_an_invalid_number_fails_the_check_for_numbers(self, tmp_path):
        finding = self.found(_careless(tmp_path), "no_number")
        assert not finding.ok
        assert "INIT DEVICE succeeded" in finding.detail

    def test_a_device_that_fails_in_its_own_code_is_quoted(self, tmp_path):
        finding = self.found(_careless(tmp_path), "two_cycles")
        assert not finding.ok
        assert "no such luck" in finding.detail

    def test_a_device_that_sends_nothing_fails_the_check_for_data(self, tmp_path, monkeypatch):
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


def test_a_missing_or_unknown_command_is_refused_before_a_process_starts():
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
def test_channels_default_to_the_usual_channels_of_the_kind(command, channels):
    assert usual_channels(command.split()) == channels


DEVICES = """
from salt_o2.device import Device


class Reader(Device):
    def init(self):
        self.on_data("inputs", lambda parts, index: None)


class Declared(Reader):
    endpoints = {"inputs": "pull"}


class Late(Device):
    def conditional_run(self):
        return self.send("results", b"x")


class Broken(Device):
    def init_task(self):
        raise RuntimeError("the card does not answer")
"""


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Return a function that checks a device of a user's own module, and returns the first finding."""
    (tmp_path / "own_devices.py").write_text(DEVICES)
    monkeypatch.chdir(tmp_path)
    return lambda name, **channels: next(
        check([OURS, f"own_devices:{name}", "-P", "OCClite"], channels or None)
    )


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("Reader", "on_data: no channel inputs was configured; there are: data (push)"),
        ("Late", "no channel results[0] was configured; there are: data[0]"),
        ("Broken", "the card does not answer"),
    ],
)
def test_a_device_that_does_not_reach_running_gives_one_finding_with_the_cause(checked, name, cause):
    first = checked(name)
    assert (first.ok, first.name) == (False, "the device cannot be checked")
    assert cause in first.detail
    assert "--channels NAME=TYPE" in first.detail


@pytest.mark.integration
def test_a_device_is_asked_for_its_channels(checked):
    assert checked("Declared").ok


@pytest.mark.integration
def test_the_channels_of_the_user_are_used(checked):
    assert checked("Late", results="push").ok
    assert checked("Reader", inputs="pull").ok


PRINTS = "import sys\nif '--print-channels' in sys.argv: print('raw:1:1')\n"


@pytest.mark.integration
def test_a_device_that_prints_no_types_needs_them_from_the_user(tmp_path):
    (tmp_path / "device.py").write_text(PRINTS)
    with pytest.raises(InvalidRequestError, match=r"channels raw, .*as in --channels raw=push"):
        next(check([sys.executable, str(tmp_path / "device.py")]))
