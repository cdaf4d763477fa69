"""What control itself gives to every workflow."""

import socket

import pytest

from salt_o2.control.planning.drafts import load_with_overrides
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.plan.overrides import Overrides
from salt_o2.site.builtin_variables import built_in
from salt_o2.site.settings import Site

WORKFLOW = """
name: w
vars: {session: "{{ environment_id }}", here: "{{ core_hostname }}"}
roles: [{name: x, task: {load: t}}]
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with one workflow that asks which environment it becomes."""
    for folder, name, text in (
        ("workflows", "w", WORKFLOW),
        ("tasks", "t", "name: t\ncommand: {value: x}\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.yaml").write_text(text)
    return str(tmp_path)


@pytest.mark.parametrize("transport", ["consul", "consul+http"])
def test_a_site_with_consul_has_its_address(transport):
    found = built_in(f"{transport}://c1:8501")
    assert found["consul_endpoint"] == "c1:8501"
    assert found["consul_base_uri"] == "http://c1:8501"
    assert (found["consul_hostname"], found["consul_port"]) == ("c1", "8501")


def test_consul_over_tls_is_another_uri_and_has_its_usual_port():
    found = built_in("consul+https://c1")
    assert (found["consul_base_uri"], found["consul_port"]) == ("https://c1", "8500")


@pytest.mark.parametrize("configuration", ["pillar", "/srv/o2", "etcd://c1:2379"])
def test_a_site_without_consul_has_no_variable_of_consul(configuration):
    assert built_in(configuration) == {"core_hostname": socket.gethostname()}


def test_a_workflow_has_the_id_of_its_environment_as_a_variable(repository):
    found = load_with_overrides(Site(repositories=(repository,)), "w", Overrides(), EnvironmentId("ENV"))
    assert found.variables["session"] == "ENV"
    assert found.variables["here"] == socket.gethostname()


def test_the_sites_own_defaults_win_over_what_control_gives(repository):
    site = Site(repositories=(repository,), defaults={"core_hostname": "other"})
    assert load_with_overrides(site, "w", Overrides(), EnvironmentId("ENV")).variables["here"] == "other"


def test_a_user_cannot_give_an_environment_another_id(repository):
    shape = Overrides(vars={"environment_id": "MINE"})
    site = Site(repositories=(repository,))
    assert load_with_overrides(site, "w", shape, EnvironmentId("ENV")).variables["session"] == "ENV"
