"""Requests of authors at a site: check, expand, draw; show, list, set and import configuration."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.requests.arguments import Draw, Entries, Expand, Named, Set, Show
from salt_o2.control.requests.configuration_requests import ConfigurationRequests
from salt_o2.control.requests.workflow_requests import WorkflowRequests
from salt_o2.core.errors import InvalidRequestError, TemplateError, UnknownNameError
from salt_o2.site.resources import MasterContext, open_resources
from salt_o2.site.settings import Site

WORKFLOW = """
name: w
vars:
  session: "{{ environment_id }}"
  rate: "{{ config.Get('qc/PHYSICS/any/rate') }}"
roles:
  - name: "x{{ it }}"
    for: {range: "{{ hosts }}", var: it}
    task: {load: t}
  - {name: c, call: {func: testplugin.Noop(), trigger: DESTROY}}
"""


@pytest.fixture
def site(tmp_path):
    """A site with one repository and its configuration in a directory."""
    for folder in ("repo/workflows", "repo/tasks", "conf"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "repo/workflows/w.yaml").write_text(WORKFLOW)
    (tmp_path / "repo/workflows/bad.yaml").write_text("name: bad\ncolour: red\nroles: []\n")
    (tmp_path / "repo/tasks/t.yaml").write_text("name: t\ncommand: {value: x}\n")
    settings = Site(
        repositories=(str(tmp_path / "repo"),), configuration=str(tmp_path / "conf"), defaults={"unit": "Hz"}
    )
    made = open_resources(settings, MasterContext(cache=tmp_path / "cache"))
    ask(made, "config_set", Set(path="qc/ANY/any/rate", payload="{{ n }} {{ unit }}", new_component=True))
    return made


def ask(site, verb, wanted):
    """Send a request to the handlers of ``site``, as control does."""
    threads = RequestThreads()
    verbs = WorkflowRequests(site, threads).verbs | ConfigurationRequests(site, threads).verbs
    kind, handle = verbs[verb]
    assert isinstance(wanted, kind)
    return asyncio.run(handle(wanted, "author", lambda _progress: None))


def test_a_workflow_is_checked_with_what_the_site_knows(site):
    found = ask(site, "workflow_check", Named(workflow="w", vars={"n": 5}))
    assert found["problems"] == []
    assert any("left open: environment_id" in note for note in found["notes"])


def test_an_error_of_the_configuration_is_a_problem(site):
    ask(site, "config_set", Set(path="qc/ANY/any/rate", payload="{{ n|nofilter }}"))
    (problem,) = ask(site, "workflow_check", Named(workflow="w"))["problems"]
    assert "config.Get('qc/PHYSICS/any/rate')" in problem
    assert "no filter nofilter" in problem


def test_all_that_is_wrong_is_the_answer_and_no_failure(site):
    found = ask(site, "workflow_check", Named(workflow="bad"))
    assert any("unknown key colour" in problem for problem in found["problems"])


def test_an_unknown_workflow_is_a_failure(site):
    with pytest.raises(UnknownNameError, match="no workflow nothing"):
        ask(site, "workflow_check", Named(workflow="nothing"))


def test_a_tree_is_expanded_with_its_variables(site):
    wanted = Expand(workflow="w", vars={"n": 5, "hosts": '["flp1"]', "environment_id": "E"}, variables=True)
    root = ask(site, "workflow_expand", wanted)["root"]
    assert [role["name"] for role in root["roles"]] == ["xflp1", "c"]
    assert root["roles"][0]["variables"]["rate"] == "5 Hz"
    assert root["roles"][0]["variables"]["session"] == "E"


def test_a_faulty_workflow_is_not_expanded(site):
    with pytest.raises(TemplateError, match="unknown key colour"):
        ask(site, "workflow_expand", Expand(workflow="bad"))


@pytest.mark.parametrize(("form", "begin"), [("svg", "<svg"), ("mermaid", "flowchart LR")])
def test_a_data_flow_is_drawn(site, form, begin):
    drawn = ask(site, "workflow_graph", Draw(workflow="w", vars={"n": 1, "hosts": "[1]"}, format=form))
    assert drawn["text"].startswith(begin)


def test_an_entry_is_shown_unchanged_with_its_path(site):
    found = ask(site, "config_show", Show(path="qc/PHYSICS/flp1/rate"))
    assert found == {"path": "qc/ANY/any/rate", "payload": "{{ n }} {{ unit }}"}


def test_an_entry_is_filled_in_with_the_sites_variables_below_those_given(site):
    shown = ask(site, "config_show", Show(path="qc/ANY/any/rate", simulate=True, vars={"n": True}))
    assert shown["payload"] == "true Hz"
    given = ask(
        site, "config_show", Show(path="qc/ANY/any/rate", simulate=True, vars={"n": 1, "unit": "kHz"})
    )
    assert given["payload"] == "1 kHz"


def test_entries_are_listed(site):
    assert ask(site, "config_list", Entries()) == ["qc/ANY/any/rate"]
    assert ask(site, "config_list", Entries(component="qc")) == ["qc/ANY/any/rate"]


@pytest.mark.parametrize("verb", ["config_set", "config_import"])
def test_an_entry_is_written_to_the_configuration_of_the_site(site, verb):
    kept = ask(site, verb, Set(path="qc/PHYSICS/flp1/rate", payload="9"))
    assert kept["path"] == "qc/PHYSICS/flp1/rate"
    assert ask(site, "config_show", Show(path="qc/PHYSICS/flp1/rate"))["payload"] == "9"


def test_a_new_component_must_be_confirmed(site):
    with pytest.raises((InvalidRequestError, UnknownNameError), match="readuot"):
        ask(site, "config_set", Set(path="readuot/ANY/any/rate", payload="9"))


def test_the_pillar_is_shown_and_not_written():
    site = Site(configuration="pillar")
    with pytest.raises(InvalidRequestError, match="pillar"):
        ask(site, "config_set", Set(path="qc/ANY/any/rate", payload="9", new_component=True))
    assert ask(replace(site), "config_list", Entries()) == []
