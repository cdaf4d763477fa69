"""Roles, iterators, places and conditions: what the tree becomes."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.core.placement.constraints import Constraint
from tests.support.builders.templates import expand, paths, problems

PROGRAM = "name: program\ncontrol: {mode: basic}\ncommand: {value: x}\n"


def under(*roles: str, head: str = "") -> str:
    """Return a workflow whose root has ``roles``, each a flow mapping."""
    return f"name: root\n{head}\nroles:\n" + "".join(f"  - {role}\n" for role in roles)


def test_a_role_has_roles_or_a_task_and_tasks_come_in_the_order_of_the_tree():
    source = under("{name: b, roles: [{name: d, task: {load: plain}}]}", "{name: a, task: {load: plain}}")
    workflow = expand(source)
    assert paths(workflow) == ["root.b.d", "root.a"]
    assert [role.name for role in workflow.root.roles] == ["b", "a"]
    assert workflow.root.roles[1].task is workflow.tasks[1]


def test_an_iterator_includes_begin_and_end():
    source = under(
        '{name: "x{{ i }}", for: {begin: 0, end: "{{ n }}", var: i}, task: {load: plain}}',
        head="vars: {n: 2}",
    )
    assert paths(expand(source)) == ["root.x0", "root.x1", "root.x2"]


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('"[\\"flp1\\", \\"flp2\\"]"', ["xflp1", "xflp2"]),
        ('"{{ [1, 2] }}"', ["x1", "x2"]),
        ('"{{ hosts }}"', ["xa", "xb"]),
        ('"[]"', []),
    ],
    ids=["json", "expression", "variable", "empty"],
)
def test_an_iterator_over_a_list_makes_a_role_for_each_value(written, names):
    source = under(
        f'{{name: "x{{{{ h }}}}", for: {{range: {written}, var: h}}, task: {{load: plain}}}}',
        "{name: last, task: {load: plain}}",
        head='vars: {hosts: \'["a", "b"]\'}',
    )
    assert paths(expand(source)) == [*(f"root.{name}" for name in names), "root.last"]


def test_an_iterator_over_roles_repeats_the_whole_branch():
    source = under(
        '{name: "g{{ i }}", for: {begin: 1, end: 2, var: i}, roles: [{name: a, task: {load: plain}}]}'
    )
    assert paths(expand(source)) == ["root.g1.a", "root.g2.a"]


def test_iterators_nest():
    source = under(
        '{name: "g{{ i }}", for: {begin: 1, end: 2, var: i}, roles: '
        '[{name: "t{{ i }}{{ j }}", for: {begin: 1, end: "{{ i }}", var: j}, task: {load: plain}}]}'
    )
    assert paths(expand(source)) == ["root.g1.t11", "root.g2.t21", "root.g2.t22"]


def test_an_iterator_whose_end_is_below_its_begin_makes_nothing():
    source = under(
        '{name: "x{{ i }}", for: {begin: 0, end: "{{ Atoi(n) - 1 }}", var: i}, task: {load: plain}}',
        "{name: y, task: {load: plain}}",
        head="vars: {n: 0}",
    )
    assert paths(expand(source)) == ["root.y"]


@pytest.mark.parametrize("on", ["true", "True", "'  TRUE '", "1", '"{{ 1 == 1 }}"'])
def test_a_role_is_enabled_by_true_or_one(on):
    assert paths(expand(under(f"{{name: x, enabled: {on}, task: {{load: plain}}}}"))) == ["root.x"]


@pytest.mark.parametrize("off", ["false", "0", "''", "no", '"{{ 1 == 2 }}"'])
def test_a_disabled_role_is_removed_and_its_content_is_not_read(off):
    source = under(
        f"{{name: x, enabled: {off}, vars: {{v: '{{{{ missing }}}}'}}, task: {{load: nothing}}}}",
        "{name: y, task: {load: plain}}",
    )
    assert paths(expand(source)) == ["root.y"]


def test_a_role_whose_children_are_all_disabled_is_removed():
    source = under(
        "{name: g, roles: [{name: x, enabled: false, task: {load: plain}}]}", "{name: y, task: {load: plain}}"
    )
    assert [role.name for role in expand(source).root.roles] == ["y"]


def test_a_workflow_without_any_task_is_refused():
    with pytest.raises(TemplateError, match="has no role that is enabled"):
        expand(under("{name: x, enabled: false, task: {load: plain}}"))


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("Parent()", "root.group"),
        ("Parent().Path", "root.group"),
        ("Parent().Name", "group"),
        ("parent", "root.group"),
        ("parent.path", "root.group"),
        ("Up(1)", "root.group"),
        ("Up(2)", "root"),
        ("Up(2).Name", "root"),
        ("up", "root.group"),
        ("up.path", "root.group"),
        ("up.name", "group"),
        ("This()", "root.group.me"),
        ("This().Name", "me"),
        ("this", "root.group.me"),
        ("this.path", "root.group.me"),
    ],
)
def test_an_expression_can_use_the_path_of_its_role(expression, path):
    constraints = f'[{{attribute: where, value: "{{{{ {expression} }}}}"}}]'
    source = under(
        f"{{name: group, roles: [{{name: me, constraints: {constraints}, task: {{load: plain}}}}]}}"
    )
    assert expand(source).tasks[0].constraints == (Constraint("where", path),)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Up(3)", "there is no role above the root"),
        ("Up(0)", "takes 1 or more"),
        ("Up('x')", "Up(n) takes a whole number, not text"),
        ("Parent().parent", "root has no parent (did you mean path?) in {{ Parent().parent }}"),
    ],
)
def test_a_place_outside_of_the_tree_is_an_error(expression, message):
    constraints = f'[{{attribute: a, value: "{{{{ {expression} }}}}"}}]'
    source = under(f"{{name: me, constraints: {constraints}, task: {{load: plain}}}}")
    assert message in problems(source)[0]


def test_the_name_of_a_role_cannot_use_its_own_path():
    assert "This() is not known yet" in problems(under('{name: "x{{ This() }}", task: {load: plain}}'))[0]


def test_a_variable_hides_a_function_of_its_name():
    source = under('{name: "{{ parent }}", vars: {parent: mine}, task: {load: plain}}')
    assert paths(expand(source)) == ["root.mine"]


def test_constraints_of_the_child_override_those_above_and_those_of_the_class():
    task = """
    name: pinned
    control: {mode: fairmq}
    command: {value: device}
    constraints: [{attribute: a, value: class}, {attribute: b, value: class}, {attribute: c, value: class}]
    """
    source = under(
        "{name: g, constraints: [{attribute: b, value: group}, {attribute: c, value: group}], roles: "
        '[{name: t, constraints: [{attribute: c, value: "{{ v }}"}], vars: {v: role}, task: {load: pinned}}]}'
    )
    found = expand(source, {"pinned": task}).tasks[0].constraints
    assert {each.attribute: each.value for each in found} == {"a": "class", "b": "group", "c": "role"}


def test_exit_code_0_of_an_uncritical_program_ends_no_data_unless_its_role_says_ends_data():
    source = under(
        "{name: x, task: {load: program, critical: false}}",
        "{name: y, task: {load: program, critical: false, ends_data: true}}",
    )
    assert [task.ends_data for task in expand(source, {"program": PROGRAM}).tasks] == [False, True]


@pytest.mark.parametrize("more", ["", ", trigger: before_CONFIGURE"], ids=["device", "hook"])
def test_ends_data_is_refused_for_devices_and_hooks(more):
    load = "program" if more else "plain"
    source = under(f"{{name: x, task: {{load: {load}, ends_data: true{more}}}}}")
    assert any("ends_data is for plain programs" in told for told in problems(source, {"program": PROGRAM}))


def test_a_task_is_critical_by_default():
    source = under("{name: x, task: {load: plain}}", "{name: y, task: {load: plain, critical: false}}")
    assert [task.critical for task in expand(source).tasks] == [True, False]


def test_the_class_of_a_task_may_be_worked_out():
    source = under('{name: x, task: {load: "pl{{ v }}"}}', head="vars: {v: ain}")
    assert expand(source).tasks[0].class_name == "plain"


def test_the_form_of_2018_has_the_root_under_the_templates_name():
    source = "w:\n  name: root\n  roles: [{name: x, task: {load: plain}}]\n"
    assert paths(expand(source)) == ["root.x"]


def test_the_description_is_kept_and_may_have_braces():
    source = "name: root\ndescription: 'uses {{ braces }}'\nroles: [{name: x, task: {load: plain}}]\n"
    assert expand(source).description == "uses {{ braces }}"
