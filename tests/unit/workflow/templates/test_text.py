"""Text with expressions in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.text import Text, rendered
from tests.support.builders.expressions import Names

HERE = Place("f", 7)


def render(source, **variables):
    return Text(HERE, source).render(Names(**variables))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("no expression", "no expression"),
        ("", ""),
        ("{{ a }}", "1"),
        ("{{a}}", "1"),
        ("x{{ a }}y{{ a }}z", "x1y1z"),
        ("{{ '}}' }}", "}}"),
        ("{{ {'k': {'l': a}} }}", '{"k":{"l":"1"}}'),
        ('{{ "it\'s" }}', "it's"),
        ("${#array[@]} {% not ours %}", "${#array[@]} {% not ours %}"),
        ("a }} b", "a }} b"),
        ("{ {a} }", "{ {a} }"),
    ],
)
def test_a_text_renders_to(source, expected):
    assert render(source, a="1") == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ a", "{{ has no }} after it"),
        ("{{ 'a }}", "is not closed by '"),
        ("{{ }}", "is empty"),
        ("{{ a b }}", "is not an expression"),
    ],
)
def test_a_text_that_is_not_closed_is_refused_when_it_is_read(source, message):
    with pytest.raises(Refused, match=message):
        Text(HERE, source)


def test_only_a_text_without_expressions_is_constant():
    assert Text(HERE, "x").constant == "x"
    assert Text(HERE, "x{{ a }}").constant is None


def test_a_single_expression_keeps_its_value():
    assert Text(HERE, "{{ [1, 2] }}").value(Names()) == [1, 2]
    assert Text(HERE, "{{ [1, 2] }} ").value(Names()) == "[1,2] "


def test_a_failure_is_noted_with_place_path_and_expression():
    problems = Problems()
    assert rendered(Text(HERE, "{{ a - 1 }}"), Names(a="x"), "root.role", problems) is None
    assert problems.lines() == [
        "f:7: root.role: - takes two values of one kind, not a text and a number: "
        "Atoi() makes a number of a text in {{ a - 1 }}"
    ]


def test_an_unknown_variable_is_reported_with_the_nearest_name():
    problems = Problems()
    rendered(Text(HERE, "{{ procesors }}"), Names(processors="4"), "root", problems)
    assert problems.lines() == ["f:7: root: unknown variable procesors (did you mean processors?)"]


def test_texts_that_double_themselves_are_refused_at_a_limit():
    with pytest.raises(Refused, match="more than 1,000,000 characters"):
        render("{{ a }}" * 20, a="x" * 60_000)


@settings(max_examples=300)
@given(st.text())
def test_a_text_without_opening_braces_is_unchanged(source):
    if "{{" not in source:
        assert render(source) == source
