"""A site's settings: layers, types, limits."""

import asyncio
from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salt_o2.client.declared_environment import MARK, steps_to_reach
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.plan.overrides import variable_text
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.states import EnvironmentEvent
from salt_o2.integration import registry
from salt_o2.site.resources import MasterContext, open_resources, with_a_backend
from salt_o2.site.settings import Site, read_site, timeouts
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness
from tests.support.random_tests.corruption import at, one_fault, spoilt


def read(*layers):
    """Settings without a fault."""
    site, faults = read_site(*layers)
    assert faults == ()
    return site


def test_a_later_layer_overrides_and_mappings_are_merged():
    site = read(
        {"heartbeat_s": 5, "defaults": {"a": 1, "b": True}},
        {"heartbeat_s": 2, "defaults": {"a": "x"}},
    )
    assert site.heartbeat_s == 2
    assert site.defaults == {"a": "x", "b": "true"}


def test_settings_of_other_daemons_are_ignored():
    assert read({"address": "127.0.0.11", "repositories": ["/srv/o2"]}).repositories == ("/srv/o2",)


def test_variables_limit_transitions_and_leave_the_others_alone():
    limits = timeouts(read({"acknowledge_s": 3}), {"configure_timeout_s": "7.5"})
    assert limits.by_event[EnvironmentEvent.CONFIGURE] == 7.5
    assert limits.by_event[EnvironmentEvent.DEPLOY] == 90
    assert limits.acknowledge == 3


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(InvalidRequestError):
        timeouts(read({}), {"deploy_timeout_s": "soon"})


def test_the_limits_of_the_pool_are_settings_with_defaults():
    assert read({}).pool == PoolLimits(per_host=50, total=500, idle_s=3600)
    layers = ({"pool": {"per_host": 5, "idle_s": 60}}, {"pool": {"per_host": 8}})
    assert read(*layers).pool == PoolLimits(per_host=8, total=500, idle_s=60)


# --- what cannot be used ----------------------------------------------------------------------

GIVEN = {
    "repositories": ["/srv/a", "/srv/b"],
    "configuration": "/srv/configuration",
    "dpl_user": "dpl",
    "dpl_timeout_s": 60,
    "database": "sqlite:////srv/o2.sqlite",
    "defaults": {"a": "1", "deploy_timeout_s": "30"},
    "vars": {"b": True, "recovery_restarts": 3, "auto_stop_timeout": "1m30s"},
    "integrations": ["test"],
    "heartbeat_s": 2,
    "pool": {"per_host": 5, "total": 50, "idle_s": 60},
    "acknowledge_s": 2,
}
SETTINGS = set(Site.__dataclass_fields__)


@settings(max_examples=400)
@given(one_fault(GIVEN), st.booleans())
@example((("pool", "per_host"), "many", False), False)
@example((("heartbeat_s",), float("nan"), False), False)
@example((("vars", "recovery_restarts"), "many", False), True)
def test_one_wrong_setting_has_its_default_and_is_named_and_the_others_are_used(fault, from_pillar):
    path, junk, remove = fault
    wrong = spoilt(GIVEN, path, junk, remove=remove)
    site, faults = read_site({"database": GIVEN["database"]}, *(({}, wrong) if from_pillar else (wrong, {})))
    whole = read(GIVEN)
    for name in SETTINGS - {path[0]}:
        assert getattr(site, name) == getattr(whole, name)
    if path[0] == "pool" and len(path) > 1:
        assert replace(site.pool, **{path[1]: 7}) == replace(whole.pool, **{path[1]: 7})
    if path[0] in ("vars", "defaults") and len(path) > 1:
        others = {key: value for key, value in getattr(whole, path[0]).items() if key != path[1]}
        assert others.items() <= getattr(site, path[0]).items()
    told = any(fault.startswith(f"o2:{path[0]}") for fault in faults)
    assert told or remove or is_used(site, path, junk), f"{path} was {junk!r}: {site}"


def is_used(site, path, junk):
    """Whether the setting does as it is, or as its text."""
    try:
        found = at(msgspec.json.decode(msgspec.json.encode(site)), path)
    except KeyError:
        return False
    return found in (junk, variable_text(junk)) or (isinstance(junk, dict) and isinstance(found, dict))


@pytest.mark.parametrize("layer", [None, [], "o2", 7])
def test_a_layer_that_is_no_mapping_is_ignored(layer):
    site, faults = read_site({"heartbeat_s": 2}, layer)
    assert site.heartbeat_s == 2
    assert bool(faults) is (layer is not None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deploy_timeout_s", "soon"),
        ("exit_timeout_s", -1),
        ("recovery_restarts", "many"),
        ("recovery_window_s", "[]"),
        ("auto_stop_timeout", "1x"),
    ],
)
def test_a_variable_that_would_prevent_every_creation_is_ignored(name, value):
    site, (fault,) = read_site({"vars": {name: value, "mine": value}})
    assert site.vars == {"mine": str(value)}
    assert name in fault
    assert str(value) in fault


def test_an_integration_that_cannot_be_loaded_is_ignored(monkeypatch):
    monkeypatch.setitem(registry.KNOWN, "broken", "salt_o2.no_such_module:Thing")
    found, faults = registry.load(["test", "nothing", "broken"])
    assert list(found) == ["test"]
    assert ["nothing" in faults[0], "broken" in faults[1]] == [True, True]


def test_configuration_that_is_nowhere_is_the_pillar_s(tmp_path):
    around = MasterContext(cache=tmp_path)
    site, (fault,) = with_a_backend(Site(configuration="zookeeper://here"), around)
    assert "zookeeper" in fault
    open_resources(site, around)
    assert with_a_backend(Site(configuration="/srv"), around) == (Site(configuration="/srv"), ())


# --- values of variables ----------------------------------------------------------------------

VALUES = {
    "nothing": (None, ""),
    "yes": (True, "true"),
    "no": (False, "false"),
    "number": (3, "3"),
    "fraction": (0.5, "0.5"),
    "text": ("None", "None"),
}
"""A value as YAML gives it, and the text that a variable has for it, wherever it was written."""


@pytest.mark.parametrize("block", ["defaults", "vars"])
def test_a_value_of_a_site_becomes_the_text_that_it_becomes_in_a_request(block):
    given = {name: value for name, (value, _) in VALUES.items()}
    assert getattr(read({block: given}), block) == {name: text for name, (_, text) in VALUES.items()}


def test_a_list_or_mapping_of_a_site_is_json_as_in_templates():
    assert read({"vars": {"hosts": ["a", None], "map": {"x": True}}}).vars == {
        "hosts": '["a", null]',
        "map": '{"x": true}',
    }


def test_a_value_that_json_cannot_write_becomes_its_python_text():
    circle = []
    circle.append(circle)
    assert read({"vars": {"a": {(1, 2): 3}, "b": circle}}).vars == {"a": "{(1, 2): 3}", "b": "[[...]]"}


def test_a_value_of_a_request_becomes_the_same_text(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            given = {name: value for name, (value, _) in VALUES.items()}
            env = await room.ask("env_create", workflow="farm", vars=given)
            changed = await room.ask("env_modify", id=env["id"], vars={"yes": None})
            return env["vars"], changed["vars"]["yes"]

    shown, changed = asyncio.run(scene())
    assert {name: shown[name] for name in VALUES} == {name: text for name, (_, text) in VALUES.items()}
    assert changed == ""


def test_a_state_finds_no_difference_in_a_value_that_control_keeps_as_text():
    given = {name: value for name, (value, _) in VALUES.items()}
    there = {name: text for name, (_, text) in VALUES.items()} | {MARK: "daq"}
    found = {"id": "2oD", "state": "CONFIGURED", "workflow": "farm", "vars": there}
    assert steps_to_reach("daq", found, "CONFIGURED", "farm", given).steps == ()
