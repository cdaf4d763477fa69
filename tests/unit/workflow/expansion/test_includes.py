"""Includes: another workflow in the place of a role (aliecs.md A3.3)."""

import pytest

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.core.placement.constraints import Constraint
from salt_o2.workflow import load
from tests.support.builders.templates import Templates, expand, paths, problems

OTHER = """
name: other
defaults: {weak: theirs}
vars: {strong: theirs}
constraints: [{attribute: a, value: theirs}]
roles:
  - {name: leaf, task: {load: plain}}
"""


def including(body: str = "include: other", head: str = "") -> str:
    return f"name: root\n{head}\nroles:\n  - {{name: x, {body}}}\n"


def test_an_include_role_keeps_its_name_and_gets_the_roles_of_the_other_workflow():
    assert paths(expand(including(), others={"other": OTHER})) == ["root.x.leaf"]


def test_the_variables_of_an_include_role_are_the_layer_above_the_included_root():
    body = "defaults: {weak: mine, kept: mine}, vars: {strong: mine, more: mine}, include: other"
    (task,) = expand(including(body), others={"other": OTHER}).tasks
    found = task.variables
    assert (found["weak"], found["strong"]) == ("theirs", "theirs")
    assert (found["kept"], found["more"]) == ("mine", "mine")


def test_the_included_root_sees_the_variables_of_the_include_role():
    other = "name: o\nvars: {c: '{{ a }}{{ b }}'}\nroles: [{name: leaf, task: {load: plain}}]"
    (task,) = expand(including("vars: {b: 2}, include: other", "vars: {a: 1}"), others={"other": other}).tasks
    assert task.variables["c"] == "12"


def test_an_include_role_keeps_its_own_constraints():
    body = "constraints: [{attribute: b, value: mine}, {attribute: a, value: mine}], include: other"
    (task,) = expand(including(body), others={"other": OTHER}).tasks
    assert task.constraints == (Constraint("b", "mine"), Constraint("a", "theirs")) or set(
        task.constraints
    ) == {Constraint("b", "mine"), Constraint("a", "theirs")}


def test_an_include_role_keeps_its_own_channels():
    body = "bind: [{name: out, type: push}], include: other"
    (task,) = expand(including(body), others={"other": OTHER}).tasks
    assert [channel.name for channel in task.bind] == ["out"]


def test_includes_nest_and_iterate():
    middle = "name: middle\nroles: [{name: 'y{{ i }}', for: {begin: 1, end: 2, var: i}, include: other}]"
    found = expand(including("include: middle"), others={"other": OTHER, "middle": middle})
    assert paths(found) == ["root.x.y1.leaf", "root.x.y2.leaf"]


def test_the_variable_of_an_iterator_reaches_into_what_is_included():
    source = "name: root\nroles: [{name: 'x{{ h }}', for: {range: '[\"a\",\"b\"]', var: h}, include: other}]"
    other = "name: other\nvars: {host: '{{ h }}'}\nroles: [{name: leaf, task: {load: plain}}]"
    found = expand(source, others={"other": other})
    assert [task.variables["host"] for task in found.tasks] == ["a", "b"]


def test_the_name_of_an_included_workflow_can_be_an_expression():
    found = expand(including('include: "{{ which }}"', "vars: {which: other}"), others={"other": OTHER})
    assert paths(found) == ["root.x.leaf"]


def test_a_root_can_be_nothing_but_an_include():
    found = expand("name: root\ninclude: other", others={"other": OTHER})
    assert paths(found) == ["root.leaf"]
    assert found.variables["strong"] == "theirs"


def test_a_disabled_include_is_not_even_read():
    source = including("enabled: false, include: missing") + "  - {name: y, task: {load: plain}}\n"
    assert paths(expand(source, others={"other": OTHER})) == ["root.y"]


def test_a_disabled_included_root_is_pruned():
    other = OTHER + "enabled: '{{ on }}'\n"
    source = including("vars: {on: false}, include: other") + "  - {name: y, include: other, vars: {on: 1}}\n"
    assert paths(expand(source, others={"other": other})) == ["root.y.leaf"]


def test_the_position_in_an_included_root_is_that_of_the_include_role():
    other = """
    name: other
    vars: {above: "{{ Parent().Path }}"}
    constraints: [{attribute: here, value: "{{ This().Path }}"}]
    roles: [{name: leaf, task: {load: plain}, vars: {up: "{{ Parent() }}"}}]
    """
    (task,) = expand(including(), others={"other": other}).tasks
    assert (task.variables["above"], task.variables["up"]) == ("root", "root.x")
    assert task.constraints == (Constraint("here", "root.x"),)


def test_a_workflow_that_includes_itself_is_refused():
    (found,) = problems(including(), others={"other": "name: o\nroles: [{name: z, include: other}]"})
    assert "does one include itself?" in found


def test_a_missing_included_workflow_is_named_with_the_place_of_the_include():
    assert problems(including("include: missing"), others={"other": OTHER}) == [
        "w.yaml:4: root.x: no workflow missing"
    ]


def test_a_fault_of_an_included_workflow_names_its_own_file():
    found = problems(including(), others={"other": OTHER + "colour: red\n"})
    assert found == ["other.yaml:8: other: unknown key colour in a role"]


class Repositories:
    """Two repositories; each at any revision but ``gone``."""

    def __init__(self, **sources):
        self.sources = sources
        self.asked = []

    def find(self, repository, revision, near):
        self.asked.append((repository, revision))
        if revision == "gone":
            raise UnknownNameError(f"{repository} has no revision gone")
        return self.sources[repository or "own"]


LEAF = "name: o\nroles: [{name: leaf, task: {load: theirs}}]"
THEIRS = {"theirs": "name: theirs\ncommand: {value: x}"}


def load_with(source: str, tasks=None):
    templates = Templates(source, tasks)
    templates.repositories = Repositories(far=Templates(LEAF, THEIRS), own=Templates(LEAF, THEIRS))
    return load(templates, "w"), templates.repositories.asked


def test_another_repository_brings_its_own_task_templates():
    workflow, asked = load_with(including("include: far/workflows/o@v1"))
    assert (paths(workflow), workflow.tasks[0].class_name) == (["root.x.leaf"], "theirs")
    assert asked == [("far", "v1")]


def test_a_workflow_of_another_revision_of_the_same_repository_is_included():
    workflow, asked = load_with(including("include: o@v2"))
    assert (paths(workflow), asked) == (["root.x.leaf"], [("", "v2")])


def test_a_task_class_of_another_repository_is_loaded():
    workflow, asked = load_with(including("task: {load: far/tasks/theirs@v3}"))
    assert (workflow.tasks[0].class_name, asked) == ("theirs", [("far", "v3")])


def test_a_revision_that_is_not_there_is_named():
    templates = Templates(including("include: far/workflows/o@gone"))
    templates.repositories = Repositories()
    with pytest.raises(TemplateError, match=r"root\.x: far has no revision gone"):
        load(templates, "w")
