"""What authors have: checks of files, the expanded tree, the data flow as a drawing, schemas for editors."""

import json
from pathlib import Path

import pytest

from salt_o2.workflow.authoring.checker import check, source_of
from salt_o2.workflow.authoring.mermaid import mermaid
from salt_o2.workflow.authoring.outline import outline
from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.templates.json_schema import TABLES, schema
from tests.support.builders.templates import expand

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
SAMPLER = (
    "name: sampler\ncontrol: {mode: fairmq}\ncommand: {value: x}\nbind: [{name: out, type: push, global: g}]"
)
FLOW = """
name: root
defaults: {a: 1}
vars: {b: 2}
tolerate: 1
roles:
  - {name: sampler, task: {load: sampler}}
  - name: inner
    vars: {detector: ITS, a: 3}
    roles:
      - name: sink
        connect: [{name: in, type: pull, target: "::g"}]
        constraints: [{attribute: k, value: v}]
        task: {load: plain}
  - {name: c, call: {func: f(), trigger: DESTROY, return: r}}
  - {name: h, task: {load: plain, trigger: DESTROY}}
"""


@pytest.fixture
def flow():
    return expand(FLOW, {"sampler": SAMPLER}, variables={"u": "x"})


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*/*.yaml")), ids=lambda file: file.stem)
def test_every_example_is_without_fault(file):
    assert check(file).problems == ()


def write(folder, kind, name, text):
    (folder / kind).mkdir(exist_ok=True)
    file = folder / kind / f"{name}.yaml"
    file.write_text(text)
    return file


def test_all_faults_of_a_workflow_and_its_tasks_are_found(tmp_path):
    write(tmp_path, "tasks", "t", "name: t\ncommand: {value: x, shel: true}\n")
    file = write(tmp_path, "workflows", "w", "name: w\ncolour: red\nroles: [{name: x, task: {load: t}}]\n")
    problems = check(file).problems
    assert {problem.partition(": ")[2] for problem in problems} == {
        "unknown key shel in command (did you mean shell?)",
        "w: unknown key colour in a role",
    }


def test_a_task_template_is_checked_by_itself(tmp_path):
    file = write(tmp_path, "tasks", "t", "name: u\ncommand: {value: x}\n")
    assert check(file).problems == (f"{file}:1: the name is u, but the file's is t",)


def test_a_file_outside_of_a_repository_is_recognised_by_its_keys(tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text("name: t\ncommand: {valu: x}\n")
    assert "unknown key valu in command" in check(file).problems[0]


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path):
    assert "cannot be read" in check(tmp_path / "none.yaml").problems[0]


def test_a_check_uses_given_variables_and_reports_open_values_as_notes(tmp_path):
    write(tmp_path, "tasks", "t", "name: t\ncommand: {value: x}\n")
    text = (
        "name: w\nvars: {a: '{{ v }}', b: \"{{ config.Get('x') }}\"}\nroles: [{name: x, task: {load: t}}]\n"
    )
    file = write(tmp_path, "workflows", "w", text)
    assert "unknown variable v" in check(file).problems[0]
    verdict = check(file, {"v": "1"})
    assert verdict.problems == ()
    assert "left open" in verdict.notes[0]
    assert load(source_of(file), "w", variables={"v": "1"}).tasks


def test_an_outline_has_the_tree(flow):
    found = outline(flow)
    assert (found["name"], found["tasks"], found["calls"]) == ("w", 3, 1)
    root = found["root"]
    assert (root["path"], root["tolerate"]) == ("root", 1)
    sampler, inner, call, hook = root["roles"]
    assert sampler["task"]["bind"] == ["out (push, tcp) as ::g"]
    assert inner["detector"] == "ITS"
    assert inner["roles"][0]["task"]["connect"] == ["in (pull) -> ::g"]
    assert inner["roles"][0]["task"]["constraints"] == ["k=v"]
    assert (call["call"]["func"], call["call"]["return"]) == ("f()", "r")
    assert (hook["task"]["mode"], hook["task"]["trigger"]) == ("hook", "DESTROY")
    assert json.loads(json.dumps(found)) == found


def test_an_outline_says_where_each_value_comes_from(flow):
    variables = outline(flow, origins=True)["root"]["roles"][1]["roles"][0]["variables"]
    assert variables["a"] == {"value": "3", "from": "vars at workflows/w.yaml:8"}
    assert variables["b"]["from"] == "vars at workflows/w.yaml:2"
    assert variables["u"] == {"value": "x", "from": "the user"}
    assert variables["fmq_plugin"]["from"] == "defaults of the site"


def test_mermaid_has_roles_as_boxes_and_channels_as_arrows(flow):
    text = mermaid(flow)
    assert text.splitlines()[0] == "flowchart LR"
    assert '    n0 -->|"in"| n1' in text
    assert 'subgraph "root.inner"' in text


def test_mermaid_has_places_outside_and_no_hooks():
    source = """
    name: root
    roles:
      - name: sink
        connect: [{name: in, type: pull, target: "tcp://far:5555"}]
        task: {load: plain}
      - {name: h, roles: [{name: cleanup, task: {load: plain, trigger: DESTROY}}]}
    """
    text = mermaid(expand(source))
    assert '    n1(["tcp://far:5555"])' in text
    assert '    n1 -->|"in"| n0' in text
    assert "cleanup" not in text


@pytest.mark.parametrize("kind", ["workflow", "task"])
def test_a_schema_accepts_the_booleans_that_the_reader_accepts(kind):
    critical = schema(kind)["$defs"]["task"]["properties"]["critical"]
    assert {True, False, "yes", "no", "on", "off", "true", "false"} == set(critical["enum"])


@pytest.mark.parametrize("kind", ["workflow", "task"])
def test_a_schema_has_every_key_of_the_tables(kind):
    found = schema(kind)
    for name, table in TABLES.items():
        definition = found["$defs"][name]
        assert set(definition["properties"]) == set(table)
        assert set(definition["required"]) == {key for key, each in table.items() if each.required}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.finding("2.5")
def test_a_drawing_has_no_control_characters_whatever_things_are_called():
    from xml.etree import ElementTree

    from salt_o2.workflow.authoring import mermaid as mermaid_module
    from salt_o2.workflow.authoring import svg as svg_module

    evil = 'a\x1b[31m\x9b\u202e\n"<b>'
    drawn = f"<x>{svg_module._escape(evil)}</x>"
    assert ElementTree.fromstring(drawn).text == 'a\\x1b[31m\\x9b\\u202e\\n"<b>'
    assert mermaid_module._quoted(evil).count("\n") == 0
    assert "\x1b" not in mermaid_module._quoted(evil)
