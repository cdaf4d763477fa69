"""What is wrong with a template: everything at once, each with its place and with advice."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow import limits
from tests.support.builders.templates import expand, problems

LEAF = "{name: x, task: {load: plain}}"


def under(role: str, head: str = "") -> str:
    return f"name: root\n{head}\nroles:\n  - {role}\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("- a\n- b\n", "w.yaml:1: ?: a role must be a mapping, not a list"),
        (under(LEAF, "colour: red"), "w.yaml:2: root: unknown key colour in a role"),
        (under(LEAF, "role: []"), "unknown key role in a role (did you mean roles?)"),
        (under("{nme: x, task: {load: plain}}"), "unknown key nme in a role (did you mean name?)"),
        (under("{task: {load: plain}}"), "root.?: a role has no name"),
        (under("{name: x}"), "root.x: a role needs one of roles, task, call, include"),
        (under("{name: x, task: {load: plain}, roles: []}"), "a role has roles and task"),
        (under("{name: x, roles: y}"), "roles must be a list, not a single value"),
        (under("{name: x, task: y}"), "task must be a mapping, not a single value"),
        (under("{name: [x], task: {load: plain}}"), "name must be a text, not a list"),
        (under("{name: x, task: {}}"), "root.x: task has no load"),
        (under("{name: x, task: {laod: plain}}"), "unknown key laod in task (did you mean load?)"),
        (
            under("{name: x, task: {load: plain, critical: maybe}}"),
            "critical must be true or false, not 'maybe'",
        ),
        (under("{name: x, task: {load: plian}}"), "root.x: no task class plian"),
        (
            under("{name: x, task: {load: github.com/a/b/tasks/c@d}}"),
            "no repository github.com/a/b is known here",
        ),
        (under('{name: "x{{ y }}", task: {load: plain}}', "vars: {yy: 1}"), "unknown variable y"),
        (under('{name: "", task: {load: plain}}'), "'' cannot be a role's name"),
        (under("{name: 'a:b', task: {load: plain}}"), "'a:b' cannot be a role's name"),
        (under(LEAF, "vars: [1]"), "vars must be a mapping, not a list"),
        (under(LEAF, "vars: {a: [1]}"), "a must be a single value, not a list"),
        (under(LEAF, 'vars: {a: "{{ 1 + }}"}'), "{{ 1 + }} is not an expression"),
        (under(LEAF, 'defaults: {a: "{{ a }}"}'), "unknown variable a"),
        (under("{name: x, for: {begin: 1, end: 2}, task: {load: plain}}"), "for has no var"),
        (
            under("{name: x, for: {begin: 1, var: i}, task: {load: plain}}"),
            "for takes begin and end, or range",
        ),
        (
            under("{name: x, for: {begin: 1, end: 2, range: a, var: i}, task: {load: plain}}"),
            "for takes begin and end",
        ),
        (
            under("{name: 'x{{i}}', for: {begin: a, end: 2, var: i}, task: {load: plain}}"),
            "whole numbers, not 'a'",
        ),
        (
            under("{name: 'x{{i}}', for: {begin: 1, end: 200001, var: i}, task: {load: plain}}"),
            "more than 100,000 roles",
        ),
        (
            under("{name: 'x{{i}}', for: {range: 'a,b', var: i}, task: {load: plain}}"),
            "a JSON list of texts, not 'a,b'",
        ),
        (
            under("{name: 'x{{i}}', for: {range: '[[1]]', var: i}, task: {load: plain}}"),
            "a JSON list of texts",
        ),
        (under(LEAF, "for: {begin: 1, end: 2, var: i}"), "the root role cannot be an iterator"),
        (under("{name: x, constraints: [{attribute: a}], task: {load: plain}}"), "a constraint has no value"),
        (under("{name: x, constraints: [a], task: {load: plain}}"), "a constraint must be a mapping"),
        ("v:\n  name: root\n  roles: [" + LEAF + "]", "the template is v, but the file's name is w"),
    ],
)
def test_a_fault_is_named_with_its_place(source, message):
    assert any(message in problem for problem in problems(source)), problems(source)


def test_all_faults_of_all_files_are_reported_together():
    source = """
    name: root
    colour: red
    roles:
      - name: "a{{ missing }}"
        task: {load: plain}
      - name: b
        task: {load: broken}
      - name: c
        task: {load: missing}
    """
    task = "name: broken\ncontrol: {mode: fairmqq}\ncommand: {value: x, shel: true}\nwants: {cpu: much}\n"
    assert problems(source, {"broken": task}) == [
        "broken.yaml:2: mode 'fairmqq' is none of direct, fairmq, basic (did you mean fairmq?)",
        "broken.yaml:3: unknown key shel in command (did you mean shell?)",
        "broken.yaml:4: cpu must be a number of 0 or more, not 'much'",
        "w.yaml:3: root: unknown key colour in a role",
        "w.yaml:5: root: unknown variable missing",
        "w.yaml:10: root.c: no task class missing",
    ]


def test_a_fault_that_an_iterator_repeats_is_reported_once():
    source = under(
        "{name: 'x{{i}}', for: {begin: 1, end: 500, var: i}, vars: {v: '{{ missing }}'}, task: {load: plain}}"
    )
    assert problems(source) == ["w.yaml:4: root: unknown variable missing [and in 499 more roles]"]


def test_endless_faults_are_counted_and_not_listed():
    keys = "\n".join(f"key{number}: 1" for number in range(1_000))
    found = problems(under(LEAF, keys))
    assert len(found) == limits.PROBLEMS_SHOWN + 1
    assert found[-1] == "and 800 more problems"


def test_a_workflow_stops_growing_at_its_limit(monkeypatch):
    monkeypatch.setattr("salt_o2.workflow.expansion.expander.ROLES", 1_000)
    loop = "{name: 'g{{ %s }}', for: {begin: 1, end: 99999, var: %s}, "
    source = under(
        loop % ("i", "i") + "roles: [" + loop % ("j", "j") + "enabled: false, task: {load: plain}}]}"
    )
    assert problems(source) == ["w.yaml:1: a workflow of more than 1,000 roles"]


def test_a_faulty_document_is_reported():
    with pytest.raises(TemplateError, match=r"workflows/w.yaml:1: not YAML"):
        expand("a: b: c")


TWICE = "{name: a, roles: [{name: b0, task: {load: plain}}]}"


@pytest.mark.parametrize(
    "other",
    [
        "{name: a.b0, task: {load: plain}}",
        '{name: "a.{{ x }}", task: {load: plain}}',
        '{name: "a.b{{ it }}", for: {begin: 0, end: 0, var: it}, task: {load: plain}}',
    ],
    ids=["written", "worked out", "iterated"],
)
@pytest.mark.parametrize("order", [False, True])
def test_two_roles_with_one_path_are_refused(other, order):
    first, second = (TWICE, other) if order else (other, TWICE)
    (found,) = problems(f"name: root\nvars: {{x: b0}}\nroles:\n  - {first}\n  - {second}\n")
    assert "root.a.b0: another role, in root" in found
    assert "has this path too" in found
