"""The registry of active environments finds them by unique prefixes and by hosts."""

import pytest

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import UnknownNameError
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from tests.support.builders.plans import plan_of, planned


@pytest.fixture
def active():
    """Two environments: ``2oDa`` on flp1 and epn1, ``2oDb`` on flp1."""
    registry = ActiveEnvironments()
    for id, hosts in (("2oDa", ("flp1", "epn1")), ("2oDb", ("flp1",))):
        plan = plan_of(*(planned(f"task-on-{host}", host) for host in hosts))
        environment = Environment(id, plan)
        stored = StoredEnvironment(
            id=id,
            created=1.0,
            user="teo",
            overrides=Overrides(),
            plan=plan,
            snapshot=snapshot.capture(environment),
        )
        registry[id] = ActiveEnvironment(stored, environment)
    return registry


def test_a_unique_prefix_finds_its_environment(active):
    assert active.find("2oDb") is active["2oDb"]
    del active["2oDa"]
    assert active.find("2") is active["2oDb"]


@pytest.mark.parametrize(
    ("prefix", "why"), [("2oD", "more than one"), ("3", "no active environment"), ("", "no")]
)
def test_an_ambiguous_or_unknown_prefix_is_refused(active, prefix, why):
    with pytest.raises(UnknownNameError, match=why):
        active.find(prefix)


def test_the_stored_data_of_an_ended_environment_is_refused(active):
    assert active.stored("2oDa") is active["2oDa"].stored
    with pytest.raises(UnknownNameError, match="not an active environment; there are: 2oDa, 2oDb"):
        active.stored("2oD")  # it takes whole ids only


def test_environments_are_found_by_the_hosts_of_their_tasks(active):
    assert active.on_host("flp1") == [active["2oDa"], active["2oDb"]]
    assert active.ids_on_host("epn1") == ("2oDa",)
    assert active.ids_on_host("flp9") == ()
    assert active.hosts() == {"flp1", "epn1"}
