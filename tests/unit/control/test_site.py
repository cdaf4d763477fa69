"""A site's settings: layers, types, limits."""

import pytest

from salt_o2.control.site import read_site, timeouts
from salt_o2.core.errors import InvalidRequest
from salt_o2.core.pooled import Bounds
from salt_o2.core.states import EnvironmentEvent


def test_a_later_layer_wins_and_mappings_are_merged():
    site = read_site(
        {"heartbeat_s": 5, "defaults": {"a": 1, "b": True}},
        {"heartbeat_s": 2, "defaults": {"a": "x"}},
    )
    assert site.heartbeat_s == 2
    assert site.defaults == {"a": "x", "b": "true"}


def test_what_is_not_control_s_is_left_alone():
    assert read_site({"address": "127.0.0.11", "repositories": ["/srv/o2"]}).repositories == ("/srv/o2",)


def test_a_setting_of_the_wrong_type_is_refused_with_its_place():
    with pytest.raises(InvalidRequest, match="heartbeat_s"):
        read_site({"heartbeat_s": "often"})


def test_variables_limit_transitions_and_leave_the_others_alone():
    limits = timeouts(read_site({"acknowledge_s": 3}), {"configure_timeout_s": "7.5"})
    assert limits.by_event[EnvironmentEvent.CONFIGURE] == 7.5
    assert limits.by_event[EnvironmentEvent.DEPLOY] == 90
    assert limits.acknowledge == 3


def test_a_limit_that_is_no_number_is_refused():
    with pytest.raises(InvalidRequest):
        timeouts(read_site({}), {"deploy_timeout_s": "soon"})


def test_what_may_wait_in_the_pool_is_a_setting_with_defaults():
    assert read_site({}).pool == Bounds(per_host=50, total=500, idle_s=3600)
    layers = ({"pool": {"per_host": 5, "idle_s": 60}}, {"pool": {"per_host": 8}})
    assert read_site(*layers).pool == Bounds(per_host=8, total=500, idle_s=60)


def test_a_bound_of_the_pool_that_is_no_number_is_refused():
    with pytest.raises(InvalidRequest, match="per_host"):
        read_site({"pool": {"per_host": "few"}})
