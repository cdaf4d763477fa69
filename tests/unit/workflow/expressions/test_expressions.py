"""What an expression comes to, what it may not do, and what it says when it cannot."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.workflow.expressions.expression import UnknownVariable, expression
from salt_o2.workflow.expressions.values import Refused, text_of
from tests.support.builders.expressions import Names, value_in
from tests.support.random_tests.expressions import expressions

SOME = Names(
    it="3",
    text="abc",
    yes="true",
    no="false",
    empty="",
    half="0.5",
    items=["b", "a"],
    map={"k": "v"},
    result="r",
)


value = value_in(SOME)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("it", "3"),
        (".it", "3"),
        ("text ~ it", "abc3"),
        ("text + it", "abc3"),
        ("'a' + 'b'", "ab"),
        ("items + ['c']", ["b", "a", "c"]),
        ("it - 1", 2),
        ("it + 1", 4),
        ("1 + it", 4),
        ("it * it", 9),
        ("half + 1", 1.5),
        ("it / 2", 1.5),
        ("it // 2", 1),
        ("it % 2", 1),
        ("2 ** it", 8),
        ("2 ** it ** 2", 512),
        ("-1", -1),
        ("it == 3", True),
        ("it == '3'", True),
        ("it != 4", True),
        ("it < 10", True),
        ("'10' < it", True),
        ("text == 3", False),
        ("yes == true", True),
        ("no == false", True),
        ("text == true", False),
        ("'T' if yes else 'F'", "T"),
        ("'T' if no else 'F'", "F"),
        ("'T' if empty else 'F'", "F"),
        ("not no", True),
        ("no or 'other'", "other"),
        ("yes and no", False),
        ("text if empty == '' else it", "abc"),
        ("'a' in items", True),
        ("'b' in text", True),
        ("'z' not in items", True),
        ("items[0]", "b"),
        ("items[-1]", "a"),
        ("items[:1]", ["b"]),
        ("map.k", "v"),
        ("map['k']", "v"),
        ("map.z | default('none')", "none"),
        ("nobody | default('none')", "none"),
        ("nobody is defined", False),
        ("it is defined", True),
        ("items | sort | join(',')", "a,b"),
        ("items | length", 2),
        ("len(text)", 3),
        ("text.upper()", "ABC"),
        ("text | upper", "ABC"),
        ("text.replace('a', 'x')", None),
        ("text | replace('a', 'x')", "xbc"),
        ("int(it) + 1", 4),
        ("'x' | int(7)", 7),
        ("range(3) | list", [0, 1, 2]),
        ("range(it) | map('string') | list", ["0", "1", "2"]),
        ("items | tojson", '["b", "a"]'),
        ("'[1, 2]' | fromjson", [1, 2]),
        ("'}}' ~ '{{'", "}}{{"),
        ("result", "r"),
        ("result ~ result", "rr"),
    ],
)
def test_an_expression_comes_to(source, expected):
    if expected is None:
        with pytest.raises(Refused, match="text has no replace"):
            value(source)
    else:
        assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nobody", "unknown variable nobody"),
        ("it + nobody", "unknown variable nobody"),
        ("self", "self is not a variable"),
        ("self.x", "self is not a variable"),
        ("it - text", "'abc' is not a number for -"),
        ("text * 2", "'abc' is not a number"),
        ("items + it", "a list and text cannot be added"),
        ("text | int", "'abc' is not a number"),
        ("1 / 0", "division by zero"),
        ("map.z", "no attribute 'z'"),
        ("items[9] ~ 'x'", "no element 9"),
        ("text < 1", "not supported between"),
        ("it it", "is not an expression: 'it' is too much"),
        ("1 +", "is not an expression"),
        ("'open", "is not an expression"),
        ("it | nofilter", "No filter named 'nofilter'"),
        ("nofunction()", "unknown variable nofunction"),
        ("it()", "not callable"),
    ],
)
def test_what_makes_no_sense_says_why(source, message):
    with pytest.raises(Refused, match=message):
        value(source)


def test_an_unknown_name_is_known_by_name():
    with pytest.raises(UnknownVariable) as caught:
        value("procesors ~ 'x'")
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
        "loop",
        "caller()",
    ],
)
def test_no_way_leads_out_of_the_sandbox(source):
    with pytest.raises(Refused):
        text_of(value(source))


@pytest.mark.parametrize(
    "source",
    [
        "'a' * 1000000000",
        "[0] * 1000000000",
        "2 ** 100000",
        "9 ** 9 ** 9 ** 9 ** 9",
        "range(10 ** 9)",
        "range(100001)",
        "text.ljust(1000000000)",
        "'%1000000000d' % 1",
        "text | center(1000000000)",
        "items | slice(1000000000)",
        "(" * 3000 + "1" + ")" * 3000,
        "1" + " + 1" * 2400,
        "not " * 2400 + "1",
        "[" * 3000 + "]" * 3000,
        "x" * 10_001,
        "1" * 9_000,
        "big ~ big",
        "big + big",
        "big | replace('x', big)",
        "[big, big] | join(big)",
    ],
    ids=lambda source: source[:20],
)
def test_nothing_grows_beyond_its_bounds(source):
    with pytest.raises(Refused):
        value(source, Names(text="abc", items=["a"], big="x" * 900_000))


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("x", "x"),
        (True, "true"),
        (False, "false"),
        (None, ""),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (["a", 1], '["a", 1]'),
        ({"a": [True]}, '{"a": [true]}'),
        (range(2), "[0, 1]"),
        ((), "[]"),
    ],
)
def test_values_render_as_the_original_does(given_value, text):
    assert text_of(given_value) == text


def test_a_function_without_its_call_is_no_value():
    with pytest.raises(Refused, match=r"call it with \(\)"):
        text_of(value("len"))


@pytest.mark.parametrize("source", ["(it)", "((.it))", " it "])
def test_a_name_in_brackets_is_still_a_name(source):
    assert value(source) == "3"


def test_a_remembered_value_is_not_used_for_other_values():
    found = [value("a ~ b", Names(a=a, b=b)) for a, b in ("12", "12", "13", "23")]
    assert found == ["12", "12", "13", "23"]


def test_what_a_function_returns_is_not_remembered():
    drawn = iter("xyz")
    names = Names(draw=lambda: next(drawn))
    assert [value("draw()", names), value("draw()", names)] == ["x", "y"]


def test_an_expression_is_compiled_once():
    assert expression("it ~ 'once'") is expression("it ~ 'once'")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_out_or_breaks_it(source):
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
VALUES = ["it", "text", "items", "map", "yes", "no", "'a'", "3"]


@settings(deadline=None, max_examples=300)
@given(expressions(WORDS, VALUES, ["join", "length", "first"]))
def test_no_sequence_of_words_breaks_it(source):
    with suppress(Refused):
        text_of(value(source))
