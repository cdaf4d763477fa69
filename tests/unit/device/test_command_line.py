"""The command line of a device."""

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device import command_line
from salt_o2.device.kinds.sampler import Sampler

AS_AN_AGENT_STARTS_IT = [
    *("--text", "Hi", "--session=s1", "--severity", "debug", "--transport=zeromq"),
    *("--shm-segment-size=10000000", "--shm-monitor=false", "--id", "sampler", "-S", "/usr/lib/"),
    *("-P", "OCClite", "--color", "false", "--control-port", "31001"),
]


def parsed(*arguments, own=Sampler.options):
    return command_line.properties_of(command_line.parse(arguments, own, "o2-device"))


def test_the_command_line_of_an_agent_is_parsed():
    found = parsed(*AS_AN_AGENT_STARTS_IT)
    assert (found["id"], found["session"], found["text"]) == ("sampler", "s1", "Hi")
    assert (found["transport"], found["plugin"], found["control-port"]) == ("zeromq", ["OCClite"], "31001")


@pytest.mark.parametrize("unknown", [["--never-heard-of", "7"], ["--never=7"], ["--flag"], ["-x"]])
def test_unknown_options_are_accepted_silently(unknown):
    assert parsed(*unknown, "--id", "a")["id"] == "a"


def test_an_option_is_not_taken_for_another_that_begins_alike():
    assert parsed("--tex", "no")["text"] == "Hello"


def test_options_of_the_device_have_the_type_of_their_default():
    own = {"count": (0, ""), "factor": (1.0, ""), "name": ("", ""), "loud": (False, "")}
    found = parsed("--count", "3", "--factor", "2", "--name", "5", "--loud", "true", own=own)
    assert [found[key] for key in own] == [3, 2.0, "5", True]


def test_a_device_may_have_a_rate_of_its_own():
    assert parsed("--rate", "5")["rate"] == 5.0
    assert parsed(own={})["rate"] == 0.0


def test_an_option_with_an_invalid_number_is_refused(capsys):
    with pytest.raises(SystemExit):
        parsed("--max-iterations", "many")
    assert "max-iterations" in capsys.readouterr().err


def test_a_channel_of_the_command_line_becomes_properties():
    found = parsed("--channel-config", "name=data,type=push,method=bind,address=tcp://*:5555,rateLogging=0")
    assert found.below("chans.data.") == {
        "0.type": "push",
        "0.method": "bind",
        "0.address": "tcp://*:5555",
        "0.rateLogging": 0,
    }


def test_channels_of_one_name_are_numbered_as_sockets():
    found = parsed("--channel-config", "name=d,type=push,address=a", "name=d,type=push,address=b")
    assert (found["chans.d.0.address"], found["chans.d.1.address"]) == ("a", "b")


def test_several_addresses_in_one_option_are_several_sockets():
    found = parsed("--channel-config", "name=d,type=push,method=bind,address=a,address=b")
    assert (found["chans.d.0.address"], found["chans.d.1.address"]) == ("a", "b")
    assert found["chans.d.1.method"] == "bind"


@pytest.mark.parametrize("text", ["type=push", "name=a,rateLogging=often"])
def test_an_invalid_channel_option_is_refused(text):
    with pytest.raises(InvalidRequestError, match="channel-config"):
        parsed("--channel-config", text)


@pytest.mark.parametrize(
    ("plugins", "codec"),
    [
        ([], None),
        (["OCC"], "OCC"),
        (["OCClite"], "OCClite"),
        (["d:OCClite"], "OCClite"),
        (["config", "OCC"], "OCC"),
        (["control"], None),
    ],
)
def test_the_plugin_chooses_the_codec(plugins, codec):
    assert command_line.codec_of(plugins) == codec


def test_a_plugin_that_does_not_exist_is_refused():
    with pytest.raises(InvalidRequestError, match="Could not load dynamic plugin DDS"):
        command_line.codec_of(["DDS"])


class TestControlPort:
    """Where the device listens."""

    def test_the_environment_variable_overrides_the_option(self, monkeypatch):
        monkeypatch.setenv("OCC_CONTROL_PORT", "32905")
        assert command_line.control_port("32906") == 32905

    def test_the_option_is_used_without_an_environment_variable(self, monkeypatch):
        monkeypatch.delenv("OCC_CONTROL_PORT", raising=False)
        assert command_line.control_port(parsed("--control-port", "32906")["control-port"]) == 32906
        assert command_line.control_port(parsed()["control-port"]) == 47100

    @pytest.mark.parametrize("text", ["", "x", "-1", "70000", "1.5"])
    def test_an_invalid_port_is_refused(self, monkeypatch, text):
        monkeypatch.setenv("OCC_CONTROL_PORT", text)
        with pytest.raises(InvalidRequestError, match="control port"):
            command_line.control_port("47100")
