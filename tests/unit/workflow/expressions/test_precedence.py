"""Which value a variable has, where several say different things: AliECS's order, lowest first."""

import pytest

from tests.support.builders.templates import expand, paths, problems, values

ORDER = [
    "built-in",
    "site default",
    "root default",
    "leaf default",
    "site var",
    "root var",
    "leaf var",
    "user",
]


@pytest.mark.parametrize(
    "strongest", range(1, len(ORDER)), ids=[name.replace(" ", "-") for name in ORDER[1:]]
)
def test_the_stronger_of_two_layers_overrides_the_weaker(strongest):
    given = set(ORDER[: strongest + 1])

    def block(name, key):
        return f"{{{key}: '{name}'}}" if name in given else "{}"

    name = "fairmq_prefix"
    source = f"""
    name: root
    defaults: {block("root default", name)}
    vars: {block("root var", name)}
    roles:
      - name: leaf
        defaults: {block("leaf default", name)}
        vars: {block("leaf var", name)}
        task: {{load: plain}}
    """
    found = values(
        source,
        site_defaults={name: "site default"} if "site default" in given else {},
        site_vars={name: "site var"} if "site var" in given else {},
        variables={name: "user"} if "user" in given else {},
    )
    assert found[name] == ORDER[strongest]


def test_any_var_beats_any_default_however_deep():
    source = """
    name: root
    vars: {x: var of the root}
    roles:
      - name: leaf
        defaults: {x: default of the leaf}
        task: {load: plain}
    """
    assert values(source)["x"] == "var of the root"


def test_an_empty_text_overrides():
    source = """
    name: root
    defaults: {x: something}
    vars: {x: ""}
    roles: [{name: leaf, task: {load: plain}}]
    """
    assert values(source)["x"] == ""


def test_entries_of_one_block_do_not_see_each_other():
    source = """
    name: root
    defaults: {a: outer}
    roles:
      - name: leaf
        defaults: {a: inner, b: "{{ a }}"}
        task: {load: plain}
    """
    assert values(source)["b"] == "outer"


def test_vars_see_the_defaults_of_the_same_role():
    source = """
    name: root
    roles:
      - name: leaf
        defaults: {a: inner}
        vars: {b: "{{ a }}!"}
        task: {load: plain}
    """
    assert values(source)["b"] == "inner!"


def test_enabled_does_not_see_the_roles_own_variables():
    source = """
    name: root
    defaults: {on: "false"}
    roles:
      - {name: first, enabled: "{{ on }}", defaults: {on: "true"}, task: {load: plain}}
      - {name: second, task: {load: plain}}
    """
    assert paths(expand(source)) == ["root.second"]


LOOPED = """
name: root
roles:
  - name: "group{{ it }}"
    for: {begin: 1, end: 1, var: it}
    vars: {it: var of the role}
    roles:
      - name: "leaf-{{ it }}"
        task: {load: plain}
"""


def test_an_iterators_variable_beats_everything_in_the_role_itself():
    assert expand(LOOPED, variables={"it": "user"}).root.roles[0].name == "group1"


def test_for_the_children_an_iterators_variable_is_a_var_that_users_override():
    assert paths(expand(LOOPED)) == ["root.group1.leaf-1"]
    assert paths(expand(LOOPED, variables={"it": "user"})) == ["root.group1.leaf-user"]


def test_a_users_variable_is_text_and_not_a_template():
    source = "{name: root, roles: [{name: leaf, task: {load: plain}}]}"
    assert values(source, variables={"x": "{{ missing }}"})["x"] == "{{ missing }}"


def test_the_roots_variables_come_with_the_workflow():
    source = "{name: root, defaults: {x: 1}, roles: [{name: leaf, defaults: {y: 2}, task: {load: plain}}]}"
    found = expand(source, variables={"z": "3"}).variables
    assert (found["x"], found["z"], "y" in found) == ("1", "3", False)


def test_a_described_variable_stands_for_its_value():
    source = """
    name: root
    defaults:
      n: !public {value: 4, type: number, label: How many, widget: slider, panel: General}
    roles: [{name: leaf, task: {load: plain}}]
    """
    assert values(source)["n"] == "4"


def test_a_described_variable_without_the_tag_has_its_value_and_a_note():
    source = "{name: root, defaults: {n: {value: 4, label: N}}, roles: [{name: leaf, task: {load: plain}}]}"
    found = expand(source)
    assert found.tasks[0].variables["n"] == "4"
    assert found.specifications == {}, "a form does not show it"
    assert "n is described, not tagged !public" in found.notes[0]


@pytest.mark.parametrize("entry", ["{label: N}", "{value: 4, colour: red}", "{a: 1}"])
def test_a_mapping_that_describes_no_variable_is_an_error_and_not_dropped(entry):
    source = f"{{name: root, defaults: {{n: {entry}}}, roles: [{{name: leaf, task: {{load: plain}}}}]}}"
    assert "n must be a single value, not a mapping; tag it !public" in problems(source)[0]
