"""One wrong setting of a host has its default, and is named; the agent starts whatever a site writes."""

import msgspec
import pytest
from hypothesis import example, given

from salt_o2.agent.settings import Settings, directory_of, facts_of, read_settings
from tests.support.random_tests.corruption import at, one_fault, spoilt

GIVEN = {
    "directory": "/srv/o2",
    "heartbeat_s": 2.5,
    "address": "10.0.0.1",
    "attributes": {"rack": "12", "detector": "ITS"},
    "control_ports": [31000, 31999],
    "channel_ports": [9500, 9999],
    "cpus": 8,
    "memory_mb": 1000,
}
NAMES = set(Settings.__dataclass_fields__)


@given(one_fault(GIVEN))
@example((("attributes", "rack"), 12, False))
@example((("heartbeat_s",), "often", False))
@example((("control_ports",), [9, 3], False))
def test_one_wrong_setting_has_its_default_and_the_others_are_used(fault):
    path, junk, remove = fault
    settings, faults = read_settings(None, spoilt(GIVEN, path, junk, remove=remove))
    whole, _ = read_settings(GIVEN)
    for name in NAMES - {path[0]}:
        assert getattr(settings, name) == getattr(whole, name)
    told = any(fault.startswith(f"o2:{path[0]}") for fault in faults)
    assert told or remove or is_used(settings, path, junk), f"{path} was {junk!r}: {settings}"
    facts = facts_of(settings, faults)
    assert facts.faults == faults
    assert facts.cpus >= 0


def is_used(settings, path, junk):
    try:
        found = at(msgspec.json.decode(msgspec.json.encode(settings)), path)
    except KeyError:
        return False
    text = str(junk).lower() if isinstance(junk, bool) else str(junk)
    return found in (junk, text) or (isinstance(junk, dict) and isinstance(found, dict))


def test_configuration_is_above_pillar_and_both_may_be_missing():
    settings, faults = read_settings({"cpus": 4, "address": "a"}, None, {"cpus": 8})
    assert (settings.cpus, settings.address, faults) == (8, "a", ())


@pytest.mark.parametrize("layer", [[], "o2", 7])
def test_a_layer_that_is_no_mapping_is_ignored_and_reported(layer):
    settings, (fault,) = read_settings({"cpus": 4}, layer)
    assert settings.cpus == 4
    assert "expected a mapping" in fault


def test_a_directory_that_depends_on_the_place_of_the_start_is_not_used():
    settings, (fault,) = read_settings({"directory": "srv/o2"})
    assert settings.directory == ""
    assert "absolute" in fault


def test_a_directory_that_cannot_be_made_is_reported_and_the_default_is_used(tmp_path):
    (tmp_path / "file").write_text("")
    wanted = tmp_path / "file" / "o2"
    found, (fault,) = directory_of(Settings(directory=str(wanted)), tmp_path / "default")
    assert found == tmp_path / "default"
    assert found.is_dir()
    assert str(wanted) in fault
    right = Settings(directory=str(tmp_path / "o2"))
    assert directory_of(right, tmp_path / "default") == (tmp_path / "o2", ())


@pytest.mark.parametrize("address", ["::1", "2001:db8::7", "fe80::1%eth0"])
def test_an_address_at_which_no_device_listens_is_not_offered(address):
    settings, (fault,) = read_settings({"address": address})
    assert settings.address == ""
    assert "IPv4" in fault
