"""A site's settings: layers, types, limits."""

import pytest

from salt_o2.control.site import read_site, timeouts
from salt_o2.core.errors import InvalidRequest
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
