"""What authors and administrators of templates type, on a real cluster."""

import uuid

import pytest

from salt_o2.integration.simulated import RECORDS

pytestmark = pytest.mark.integration

SAID = RECORDS / f"authoring-{uuid.uuid4()}"
DEVICE = {"value": "o2-device", "arguments": ["sampler"]}


def test_workflows_are_listed_with_the_variables_of_their_forms(workshop):
    workshop.write(
        "workflows", "with-a-form", roles=[{"name": "x", "task": {"load": "fairmq-ex-copypush-sampler"}}]
    )
    file = workshop.folder / "workflows" / "with-a-form.yaml"
    file.write_text(file.read_text() + "defaults:\n  rate: !public {value: 5, type: number, label: Rate}\n")
    (found,) = [each for each in workshop.cluster.ask("workflow_list") if each["name"] == "with-a-form"]
    assert [(each["name"], each["type"], each["label"]) for each in found["variables"]] == [
        ("rate", "number", "Rate")
    ]
    assert "variable rate must be a number" in workshop.refused("with-a-form", rate="much")


def test_salt_run_checks_expands_and_draws(workshop):
    run = workshop.cluster.json
    assert run("salt-run", "o2.workflow_check", "fairmq-ex-1-n-1")["problems"] == []
    found = run("salt-run", "o2.workflow_expand", "fairmq-ex-1-n-1", "vars={processors: 2}", "origins=True")
    assert (found["root"]["name"], found["tasks"]) == ("diamond", 4)
    drawn = run("salt-run", "o2.workflow_graph", "fairmq-ex-1-n-1", "format=mermaid")
    assert drawn["text"].startswith("flowchart LR")
    workshop.write("workflows", "wrong", rolles=[])
    problems = run("salt-run", "o2.workflow_check", "wrong")["problems"]
    assert any("unknown key rolles" in problem for problem in problems)


def test_configuration_of_the_example_site_is_found_and_filled_in(workshop):
    ask = workshop.cluster.ask
    assert "readout/ANY/any/buffer" in ask("config_list", component="readout")
    shown = ask("config_show", path="readout/PHYSICS/flp3/buffer")
    assert shown == {"path": "readout/PHYSICS/flp3/buffer", "payload": "size_mb: 2048"}
    filled = ask("config_show", path="readout/COSMICS/flp9/buffer", simulate=True, vars={"detectors": "X"})
    assert filled["path"] == "readout/ANY/any/buffer"
    assert "detectors: X" in filled["payload"]
    shown = workshop.cluster.json("salt-run", "o2.config_show", "readout/buffer")
    assert "size_mb: 512" in shown["payload"]


def test_a_template_asks_the_configuration_of_its_site(workshop):
    workshop.task("asker", "x")
    workshop.write(
        "workflows",
        "asking",
        vars={"buffer": "{{ config.Get('readout/PHYSICS/flp1/buffer') }}"},
        roles=[{"name": "x", "task": {"load": "asker"}}],
    )
    found = workshop.cluster.ask("workflow_expand", workflow="asking", variables=True)
    assert found["root"]["roles"][0]["variables"]["buffer"] == "size_mb: 4096"


@pytest.fixture
def with_ids(workshop):
    """A workflow whose roles make ids of their own, as production's do."""
    workshop.task("namer", "o2-device", "sampler", "--rate=1", "--text={{ own }}")
    role = {
        "name": "s{{ it }}",
        "for": {"begin": 1, "end": "{{ n }}", "var": "it"},
        "vars": {"own": "own-{{ uid.New() }}-of-{{ environment_id }}"},
        "task": {"load": "namer"},
    }
    func = "test.record(Parent().Path + ' ' + util.PrefixedOverride('n', 'x'))"
    call = {"name": "c", "call": {"func": func, "trigger": "after_CONFIGURE"}}
    workshop.created.append(SAID)
    defaults = {"n": 2, "test_record": SAID.name}
    workshop.write("workflows", "with-ids", defaults=defaults, roles=[role, call])
    return "with-ids"


def test_a_plan_whose_templates_make_ids_is_applied_and_a_change_affects_no_other_task(workshop, with_ids):
    ask = workshop.cluster.ask
    plan = ask("env_plan", workflow=with_ids, vars={})
    environment = ask("env_create", plan=plan["token"])
    before = workshop.processes()
    assert before
    ask("env_modify", id=environment["id"], scale={"s": 3})
    assert before < workshop.processes()
    assert SAID.read_text().split() == ["with-ids", "2"]
