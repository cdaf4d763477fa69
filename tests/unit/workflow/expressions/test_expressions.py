"""What an expression comes to, what it may not do, and what it says when it cannot."""

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.workflow.expressions.evaluation.expression import UnknownVariable, expression
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from tests.support.builders.expressions import Names, value_in
from tests.support.random_tests.expressions import expressions

SOME = Names(
    it="3",
    text="abc",
    yes="true",
    items=["b", "a"],
    map={"k": "v"},
)


value = value_in(SOME)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("it", "3"),
        (".it", "3"),
        ("text + it", "abc3"),
        ("Atoi(it) + 1", 4),
        ("concat(items, ['c'])", ["b", "a", "c"]),
        ("it == '3'", True),
        ("'10' < it", True),
        ("yes == 'true' ? 'T' : 'F'", "T"),
        ("'a' in items", True),
        ("text contains 'b'", True),
        ("items[0]", "b"),
        ("items[:1]", ["b"]),
        ("map.k", "v"),
        ("map.z ?? 'none'", "none"),
        ("$env?.absent ?? 'none'", "none"),
        ("'it' in $env", True),
        ("items | sort() | join(',')", "a,b"),
        ("text | upper()", "ABC"),
        ("replace(text, 'a', 'x')", "xbc"),
        ("'}}' + '{{'", "}}{{"),
    ],
)
def test_an_expression_has_its_value(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("absent", "unknown variable absent"),
        ("it + absent", "unknown variable absent"),
        ("strings.IsTruthy(absent)", "unknown variable absent"),
        ("nofunction()", "unknown variable nofunction"),
        ("$env.absent", "unknown variable absent"),
        ("it - text", "- does not take a text and a text"),
        ("items + it", "takes two values of one kind"),
        ("1 % 0", "division by zero"),
        ("map.z + 'x'", "not nil and 'x'"),
        ("items[9]", "there is no entry 9: the list has 2"),
        ("text < 1", "two values of one kind"),
        ("it it", "is not an expression: 'it' is too much"),
        ("1 +", "is not an expression: it ends too early"),
        ("'open", "is not closed"),
        ("it()", "a text cannot be called"),
        ("strings.Atoi(1)", "Atoi takes a text, not a number"),
        ("strings.Atoi()", "Atoi takes 1 arguments, not 0"),
    ],
)
def test_an_invalid_expression_is_refused_with_the_reason(source, message):
    with pytest.raises(Refused, match=re.escape(message)):
        value(source)


def test_an_unknown_name_is_known_by_name():
    with pytest.raises(UnknownVariable) as caught:
        value("procesors + 'x'")
    assert caught.value.name == "procesors"


@pytest.mark.parametrize(
    "source",
    [
        "''.__class__",
        "''.__class__.__mro__[1].__subclasses__()",
        "items.__class__",
        "it['__class__']",
        "map['__class__'].x",
        "items.append(1)",
        "items.sort()",
        "map.update({})",
        "map.pop('k')",
        "text.format(1)",
        "'{0.__class__}'.format(it)",
        "'%s' % it",
        "it | attr('__class__')",
        "items | map(attribute='__class__') | list",
        "range.__globals__",
        "range.__init__",
        "lipsum",
        "cycler.__init__.__globals__",
        "joiner",
        "namespace(a=1)",
        "dict(a=1)",
        "config",
        "self._TemplateReference__context",
        "text.encode()",
        "it.__init_subclass__",
        "[].__len__()",
        "(1).__add__(2)",
        "len.__globals__",
        "$env.__class__",
    ],
)
def test_no_expression_leaves_the_sandbox(source):
    with pytest.raises(Refused):
        text_of(value(source))


@pytest.mark.parametrize(
    "source",
    [
        "1..1000000",
        "repeat('a', 1000000000)",
        "split(big, '') | map(big)",
        "(" * 3000 + "1" + ")" * 3000,
        "1" + " + 1" * 2400,
        "not " * 2400 + "1",
        "[" * 3000 + "]" * 3000,
        "x" * 10_001,
        "1" * 9_000,
        "big + big",
        "replace(big, 'x', big)",
        "join([big, big], big)",
    ],
    ids=lambda source: source[:20],
)
def test_an_expression_that_grows_beyond_its_limits_is_refused(source):
    with pytest.raises(Refused):
        value(source, Names(text="abc", items=["a"], big="x" * 900_000))


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("x", "x"),
        (1e6, "1e+06"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (["a", 1], '["a",1]'),
        ({"a": [True]}, '{"a":[true]}'),
        ((), "[]"),
    ],
)
def test_values_render_as_the_original_does(given_value, text):
    assert text_of(given_value) == text


def test_a_function_without_its_call_is_no_value():
    with pytest.raises(Refused, match=r"call it with \(\)"):
        text_of(value("Atoi"))


@pytest.mark.parametrize("source", ["(it)", "((.it))", " it "])
def test_a_name_in_brackets_is_still_a_name(source):
    assert value(source) == "3"


def test_a_remembered_value_is_not_used_for_other_values():
    found = [value("a + b", Names(a=a, b=b)) for a, b in ("12", "12", "13", "23")]
    assert found == ["12", "12", "13", "23"]


def test_results_of_functions_are_not_cached():
    drawn = iter("xyz")
    names = Names(draw=lambda: next(drawn))
    assert [value("draw()", names), value("draw()", names)] == ["x", "y"]


def test_an_expression_is_compiled_once():
    assert expression("it + 'once'") is expression("it + 'once'")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_leaves_the_sandbox_or_breaks_the_parser(source):
    with suppress(Refused):
        text_of(value(source))


WORDS = [
    "it",
    "text",
    "items",
    "map",
    "yes",
    "no",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    ":",
    "|",
    "+",
    "-",
    "*",
    "/",
    "**",
    "~",
    "%",
    "'a'",
    "3",
    "not",
    "in",
    "is",
    "if",
    "else",
    "==",
    "<",
    "join",
]
VALUES = {
    "number": ["3", "1"],
    "text": ["text", "it", "'a'"],
    "list": ["items"],
    "mapping": ["map"],
    "other": ["yes", "no"],
}


@settings(deadline=None, max_examples=300)
@given(expressions(WORDS, VALUES, ["join", "length", "first"]))
def test_no_sequence_of_words_breaks_the_parser(source):
    with suppress(Refused):
        text_of(value(source))
