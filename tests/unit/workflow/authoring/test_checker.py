"""An author checks one file at a time: a value that the site gives is no fault, a missing value is one."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.authoring.checker import check, load_alone, source_of
from salt_o2.workflow.expansion.known_calls import KNOWN, doubt
from salt_o2.workflow.expansion.open_variables import GIVEN
from tests.support.builders.templates import expand

TASK = "name: t\ncontrol: {mode: fairmq}\ncommand: {value: x, arguments: ['{{ rate }}']}\n"
SENDER = "name: sender\ncontrol: {mode: fairmq}\ncommand: {value: x}\nbind: [{name: out, type: push}]\n"
OUTER = """
name: outer
defaults: {rate: 1}
roles:
  - {name: sender, task: {load: sender}}
  - name: "host-{{ it }}"
    for: {range: "{{ hosts }}", var: it}
    vars: {peer: "outer.sender:out"}
    roles: [{name: dpl, include: inner}]
  - {name: c, call: {func: testplugin.Noop(), trigger: DESTROY, return: answer}}
"""
INNER = """
name: inner
roles:
  - name: receiver
    enabled: "{{ it != 'x' }}"
    connect: [{name: in, type: pull, target: "{{ peer }}"}]
    task: {load: t}
"""


@pytest.fixture
def repository(tmp_path):
    """Two workflows, of which one includes the other, and two task classes."""
    (tmp_path / "workflows").mkdir()
    (tmp_path / "tasks").mkdir()
    for name, text in (("t", TASK), ("sender", SENDER)):
        (tmp_path / "tasks" / f"{name}.yaml").write_text(text)
    for name, text in (("outer", OUTER), ("inner", INNER)):
        (tmp_path / "workflows" / f"{name}.yaml").write_text(text)
    return tmp_path


def write(repository, name, text):
    file = repository / "workflows" / f"{name}.yaml"
    file.write_text(text)
    return file


def of(body):
    return f"name: w\nroles: [{{name: x, {body}, task: {{load: sender}}}}]\n"


def test_a_missing_value_that_an_including_workflow_sets_is_no_fault(repository):
    verdict = check(repository / "workflows" / "inner.yaml")
    assert verdict.problems == ()
    (note,) = verdict.notes
    assert "left open: it: set by another workflow, as in workflows/outer.yaml" in note


def test_a_given_value_reveals_further_open_variables(repository):
    verdict = check(repository / "workflows" / "inner.yaml", {"it": "flp1"})
    assert verdict.problems == ()
    assert "left open: peer, rate: set by another" in verdict.notes[0]


def test_the_result_of_a_call_is_given_too(repository):
    file = write(repository, "w", of("vars: {v: '{{ answer }}'}"))
    assert check(file).problems == ()


@pytest.mark.parametrize("name", [*GIVEN, "fill_info_fill_number", "trg_start_time_ms", "taskResult"])
def test_a_variable_that_control_gives_is_no_fault(repository, name):
    verdict = check(write(repository, "w", of(f"vars: {{v: '{{{{ {name} }}}}'}}")))
    assert verdict.problems == ()
    assert f"left open: {name}" in verdict.notes[0]


def test_a_variable_without_a_value_is_a_fault(repository):
    file = write(repository, "w", of("vars: {v: '{{ pear }}'}"))
    assert check(file).problems == (f"{file}:2: w: unknown variable pear (did you mean peer?)",)


def test_a_task_template_needs_the_values_of_its_role_or_site(repository):
    (repository / "tasks" / "t.yaml").write_text(TASK.replace("rate", "raet"))
    problems = check(repository / "workflows" / "inner.yaml", {"it": "x", "peer": "tcp://h:1"}).problems
    assert problems == (), "the only role is not enabled"
    problems = check(repository / "workflows" / "inner.yaml", {"it": "y", "peer": "tcp://h:1"}).problems
    assert problems == ("tasks/t.yaml:3: inner.receiver: unknown variable raet (did you mean rate?)",)


def test_values_of_the_site_override_open_ones(repository):
    file = repository / "workflows" / "outer.yaml"
    found = load_alone(source_of(file), "outer", {"hosts": '["a"]'}, {"rate": "9"}, {"colour": "red"})
    assert found.calls[0].variables["colour"] == "red"


def test_a_file_that_cannot_be_read_sets_no_open_variable(repository):
    write(repository, "broken", "name: [")
    assert check(repository / "workflows" / "inner.yaml").problems == ()


def test_an_open_target_is_not_reported_as_missing(repository):
    text = of("connect: [{name: in, type: pull, target: '{{ hosts }}'}]")
    assert check(write(repository, "w", text)).problems == ()


@pytest.mark.parametrize(
    "field", ["type: '{{ hosts }}', target: 'tcp://h:1'", "type: pull, target: '{{ hosts }}'"]
)
def test_a_channel_whose_field_is_wrong_is_one_problem_and_not_two(field):
    source = f"name: w\nroles: [{{name: x, connect: [{{name: in, {field}}}], task: {{load: plain}}}}]\n"
    with pytest.raises(TemplateError) as caught:
        expand(source)
    assert caught.value.problems == ("workflows/w.yaml:2: w.x: unknown variable hosts",)


def test_a_role_above_the_root_is_open_in_a_workflow_that_others_may_include(repository):
    text = of("connect: [{name: in, type: pull, target: '{{ Up(3).Path }}.y:out'}]")
    verdict = check(write(repository, "w", text))
    assert verdict.problems == ()
    assert "left open: the role above the root" in verdict.notes[0]
    with pytest.raises(TemplateError, match="no role above the root"):
        expand(text.replace("sender", "plain"))


@pytest.mark.parametrize("reference", ["host/team/repo/workflows/other@v1", "other@v1"])
def test_a_workflow_of_another_repository_or_revision_is_open_without_a_site(repository, reference):
    text = f"name: w\nroles: [{{name: x, include: '{reference}'}}]\n"
    verdict = check(write(repository, "w", text))
    assert verdict.problems == ()
    assert "is known here" in verdict.notes[0]
    with pytest.raises(TemplateError, match="is known here"):
        expand(text)


def test_a_task_of_another_repository_is_open_without_a_site(repository):
    text = "name: w\nroles: [{name: x, task: {load: host/team/repo/tasks/other}}]\n"
    assert check(write(repository, "w", text)).problems == ()


def test_open_peers_are_not_reported_as_missing(repository):
    text = """
name: w
roles:
  - {name: "s{{ it }}", for: {range: "{{ hosts }}", var: it}, task: {load: sender}}
  - {name: r, connect: [{name: in, type: pull, target: "w.s1:out"}], vars: {rate: 1}, task: {load: t}}
"""
    assert check(write(repository, "w", text)).problems == ()
    assert "nothing binds w.s1:out" in check(write(repository, "w", text), {"hosts": "[2]"}).problems[0]


def test_an_override_of_an_open_value_is_open(repository):
    text = of("vars: {v: \"{{ util.PrefixedOverride('hosts', 'its') }}\"}")
    verdict = check(write(repository, "w", text))
    assert (verdict.problems, len(verdict.notes)) == ((), 1)


def test_a_file_without_an_enabled_role_is_no_fault_until_it_is_expanded(repository):
    text = of("enabled: 'false'")
    verdict = check(write(repository, "w", text))
    assert verdict.problems == ()
    assert "no role that is enabled" in verdict.notes[0]
    with pytest.raises(TemplateError, match="no role that is enabled"):
        expand(text.replace("sender", "plain"))


def test_an_open_value_is_no_variable_of_a_role(repository):
    file = repository / "workflows" / "outer.yaml"
    variables = load_alone(source_of(file), "outer").calls[0].variables
    assert not set(GIVEN) & set(variables)


@pytest.mark.parametrize(
    "func", [f"{name}.{each}()" for name, functions in KNOWN.items() for each in functions]
)
def test_a_call_of_production_templates_is_known(func):
    assert doubt(func) == ""


@pytest.mark.parametrize(
    ("func", "message"),
    [
        ("bookeeping.StartOfRun()", "unknown integration bookeeping (did you mean bookkeeping?)"),
        ("trg.RunLod()", "trg has no known function RunLod (did you mean RunLoad?)"),
        ("ours.Do('it')", "unknown integration ours"),
        ("f()", "is not a call of an integration"),
    ],
)
def test_a_call_that_is_not_known_is_noted_and_no_fault(func, message):
    found = expand(f'name: root\nroles: [{{name: c, call: {{func: "{func}", trigger: DESTROY}}}}]\n')
    (note,) = found.notes
    assert message in note
