"""The language of templates: expr-lang with AliECS's functions (aliecs.md A3.4, A3.5)."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.workflow.expressions.evaluation.expression import expression
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from tests.support.builders.expressions import Names, value_in
from tests.support.random_tests.expressions import expressions

SOME = Names(
    on="true",
    off="false",
    text="flp001-ib",
    n="3",
    empty="",
    numbers=[1, 2, 3, 4],
    words=["ITS", "TPC", "ITS"],
    hosts='["a", "b"]',
    map={"k": "v", "deep": {"x": 1}},
    people=[{"name": "a", "age": 3}, {"name": "b", "age": 1}],
    nothing=None,
)


value = value_in(SOME)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("on == 'true' ? 'a' : 'b'", "a"),
        ("off == 'true' ? 'a' : on == 'true' ? 'b' : 'c'", "b"),
        ("on == 'true' && n == '3'", True),
        ("on == 'true' && n == '4' || off == 'false'", True),
        ("!(on == 'true')", False),
        ("not (on == 'true')", False),
        ("nothing ?? 'x'", "x"),
        ("n ?? 'x'", "3"),
        ("nothing ?? nothing ?? 'y'", "y"),
        ("map.z ?? 'x'", "x"),
        ("map.k ?? 'x'", "v"),
        ("map?.deep?.x", 1),
        ("map?.none?.x", None),
        ("map?.[ 'k' ]", "v"),
        ("'ITS' in words", True),
        ("'MID' not in words", True),
        ("'k' in map", True),
        ("n in ['1', '2', '3']", True),
        ("text contains 'ib'", True),
        ("text not contains 'ib'", False),
        ("text startsWith 'flp'", True),
        ("text endsWith '-ib'", True),
        ("text not endsWith 'flp'", True),
        ("text matches '^flp[0-9]{3}'", True),
        ("text matches `^\\d+$`", False),
        ("text not matches 'x'", True),
        ("text startsWith 'flp' && text endsWith 'ib' ? 1 : 2", 1),
        ("1..3", [1, 2, 3]),
        ("2 ^ 3", 8),
        ("7 % 4", 3),
        ("1_000 + 0x10", 1016),
        ("numbers[1:3]", [2, 3]),
        ("numbers[-1]", 4),
        ("[1, 'a', [2]]", [1, "a", [2]]),
        ("{a: 1, 'b': 2, (text): 3}", {"a": 1, "b": 2, "flp001-ib": 3}),
        ("{a: {b: 'c'}}.a.b", "c"),
        ("{'a': 1}", {"a": 1}),
        ("len(numbers)", 4),
        ("len('abc')", 3),
        ("all(numbers, # > 0)", True),
        ("all(numbers, {# > 1})", False),
        ("any(numbers, # > 3)", True),
        ("none(numbers, # > 4)", True),
        ("one(numbers, # == 2)", True),
        ("filter(numbers, # % 2 == 0)", [2, 4]),
        ("filter(people, .age > 2)", [{"name": "a", "age": 3}]),
        ("map(numbers, # * 2)", [2, 4, 6, 8]),
        ("map(people, .name)", ["a", "b"]),
        ("map(people, {#.name + text})", ["aflp001-ib", "bflp001-ib"]),
        ("map(words, #index)", [0, 1, 2]),
        ("map(numbers, {{'v': #}})", [{"v": 1}, {"v": 2}, {"v": 3}, {"v": 4}]),
        ("count(numbers, # > 1)", 3),
        ("count([true, false])", 1),
        ("find(numbers, # > 1)", 2),
        ("findLast(numbers, # < 3)", 2),
        ("findLastIndex(numbers, # < 3)", 1),
        ("groupBy(words, #)", {"ITS": ["ITS", "ITS"], "TPC": ["TPC"]}),
        ("map(sortBy(people, .age), .name)", ["b", "a"]),
        ("map(sortBy(people, .age, 'desc'), .name)", ["a", "b"]),
        ("reduce(numbers, #acc + #)", 10),
        ("reduce(numbers, #acc + #, 100)", 110),
        ("sum(numbers)", 10),
        ("sum(people, .age)", 4),
        ("map(numbers, {count(numbers, # > 2)})", [2, 2, 2, 2]),
        ("numbers | filter(# > 2) | map(# * 10)", [30, 40]),
        ("words | uniq() | join('+')", "ITS+TPC"),
        ("text | split('-') | last()", "ib"),
        ("let x = 2; let y = x * 3; map(numbers, # + y)[0]", 7),
        ("nothing == nil", True),
        ("map.z == nil", True),
        ("n != nil", True),
        ("1 /* a remark */ + 1", 2),
        ("trim('  a ') + trimPrefix('xb', 'x') + trimSuffix('cx', 'x')", "abc"),
        ("upper('a') + lower('B')", "Ab"),
        ("split('a,b', ',')", ["a", "b"]),
        ("splitAfter('a,b', ',')", ["a,", "b"]),
        ("replace('abab', 'a', 'x')", "xbxb"),
        ("repeat('ab', 2)", "abab"),
        ("indexOf('abc', 'c')", 2),
        ("hasPrefix('abc', 'a') && hasSuffix('abc', 'c')", True),
        ("max(1, 5, 3) - min([4, 2])", 3),
        ("mean([1, 3]) + median([1, 2, 9])", 4),
        ("abs(-2) + ceil(1.2) + floor(1.9) + round(2.5)", 8),
        ("[first(numbers), last(numbers), first([])]", [1, 4, None]),
        ("take(numbers, 2)", [1, 2]),
        ("reverse(numbers)", [4, 3, 2, 1]),
        ("sort(words)", ["ITS", "ITS", "TPC"]),
        ("concat([1], [2, 3])", [1, 2, 3]),
        ("flatten([1, [2, [3]]])", [1, 2, 3]),
        ("join(['a', 'b'], '-')", "a-b"),
        ("fromPairs(toPairs({a: 1}))", {"a": 1}),
        ("get(map, 'nope')", None),
        ("type('x') + type([])", "stringarray"),
        ("fromJSON('[1]')", [1]),
        ("fromBase64(toBase64('x'))", "x"),
        ("Atoi(n) + 1", 4),
        ("strings.Atoi('')", 0),
        ("Itoa(4) + strings.Itoa(5)", "45"),
        ("strings.TrimQuotes('\"a\"')", "a"),
        ("TrimSpace(' a ')", "a"),
        ("strings.ToUpper('a') + ToLower('B')", "Ab"),
        ("strings.IsTruthy('Yes')", True),
        ("IsTruthy('ok') && !IsTruthy('2')", True),
        ("IsFalsy('none') && IsFalsy('') && strings.IsFalsy('0')", True),
        ("json.Unmarshal(hosts)", ["a", "b"]),
        ("FromJson(hosts)[0]", "a"),
        ("json.Deserialize(hosts)[1]", "b"),
        ("json.Marshal(['a'])", '["a"]'),
        ("len(NewID()) == len(uid.New())", True),
        ("SuffixInRange('flp12', 'flp', '1', '20')", "true"),
        ("!(off == 'true') == true", True),
        ("empty == '' ? 'other' : empty", "other"),
        ("nothing?.x ?? 'd'", "d"),
        ("$env?.absent ?? 'x'", "x"),
        ("'absent' in $env ? 1 : 2", 2),
        ("findIndex(numbers, # > 9)", None),
        ("words | map(lower(#))", ["its", "tpc", "its"]),
        ("let x = Atoi(n) + 1; x * x", 16),
        ("toJSON({a: [1]})", '{\n  "a": [\n    1\n  ]\n}'),
        ("ToJson(FromJson(hosts))", '["a","b"]'),
        ("json.Sort(['b', 'a'])", ["a", "b"]),
        ("SuffixInRange('epn12', 'flp', '1', '20')", "false"),
        ("SuffixInRange('flp30', 'flp', '1', '20')", "false"),
        ("if on == 'true' { 'a' } else { 'b' }", "a"),
        ("1; 2", 2),
        ("bitand(6, 3)", 2),
        ("duration('90s').Seconds()", 90.0),
    ],
)
def test_an_expression_of_the_original_has_its_value(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("filter(hosts, # == 'a')", r"filter takes a list, not a text: FromJson\(\)"),
        ("map(map, #)", "map takes a list, not a mapping"),
        ("# > 1", "means something only in a predicate"),
        ("a ? b", "is not an expression"),
        ("a ? : ", "is not an expression"),
        ("1 &", "'&' is too much"),
        ("1 \\ 2", r"has no meaning"),
        ("`open", "the text after ` is not closed"),
        ("/* open", "the comment after /\\* is not closed"),
        ("strings.ToUper('a')", r"strings has no ToUper \(did you mean ToUpper\?\)"),
        ("fromJSON('{')", "is not JSON"),
        ("'a' matches '('", "is no regular expression"),
        ("'a' matches '(?=a)'", "is no regular expression"),
        ("sortBy(numbers, #, 'up')", "asc or desc"),
        ("reduce([], #)", "needs a value to begin with"),
        ("nothing.x", "has no x"),
        ("strings", "is not a value"),
        ("n == 3", r"two values of one kind, not a text and a number: Atoi\(\)"),
        ("n + 1", r"Atoi\(\) makes a number of a text"),
        ("on ? 1 : 2", "a condition is a boolean, not a text: write == 'true'"),
        ("!on", "write == 'true'"),
        ("'a' in text", "for a part of a text write contains"),
        ("Itoa('5')", r"Itoa takes a number as argument 1, not a text: Atoi\(\)"),
        ("let n = 1; n", "let cannot define n: it is a variable"),
        ("n ?? 'x' == 'y'", "needs brackets"),
        ("x y z", "is not an expression"),
    ],
)
def test_an_invalid_expression_of_the_original_is_refused_with_the_reason(source, message):
    with pytest.raises(Refused, match=message):
        text_of(value(source))


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("'a' if on == 'true' else 'b'", r"write test \? a : b"),
        ("n | default('x')", r"write \$env\?\.name \?\? 'other'"),
        ("n | int", r"write Atoi\(x\)"),
        ("hosts | tojson", r"write ToJson\(x\)"),
        ("n is defined", r"write 'name' in \$env"),
        ("n ~ text", r"write \+ between texts"),
        ("range(3)", r"0\.\.n-1 is a list of numbers"),
        ("length(hosts)", r"write len\(x\)"),
    ],
)
def test_a_form_of_jinja2_is_refused_with_the_form_of_this_language(source, advice):
    with pytest.raises(Refused, match=advice):
        value(source)


def test_a_fault_in_an_expression_of_several_lines_has_its_line_and_column():
    with pytest.raises(Refused, match="line 2, column 3"):
        expression("1 +\n  )")


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ("n + absent", "n + «absent»"),
        ("'a' + (text - 1) + 'b'", "'a' + («text - 1») + 'b'"),
        ("on == '' ? 1 : fromJSON(text)", "on == '' ? 1 : «fromJSON(text)»"),
        ("n + map.z", "«n + map.z»"),
        ("map(words, int(#))", "map(words, «int(#)»)"),
        ("n == '' || !text", "n == '' || «!text»"),
    ],
)
def test_the_place_of_a_fault_is_marked(source, marked):
    with pytest.raises(Refused) as caught:
        value(source)
    assert caught.value.where == marked


@pytest.mark.parametrize(
    ("source", "marked"),
    [("n n", "n «n»"), ("a ? b : ]", "a ? b : «]»"), ("x + §y", "x + «§»y"), ("a && (b", "a && (b«»")],
)
def test_the_place_of_a_syntax_error_is_marked(source, marked):
    with pytest.raises(Refused) as caught:
        expression(source)
    assert f"{{{{ {marked} }}}}" in str(caught.value)


def test_unused_branches_of_an_expression_are_not_evaluated():
    assert value("n ?? fromJSON(text)") == "3"
    assert value("on == 'true' ? 1 : fromJSON(text)") == 1
    assert value("off == 'true' && fromJSON(text)") is False
    assert value("on == 'true' || fromJSON(text)") is True


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 50_000 + "b"),
        ("(a|a)*b", "a" * 20_000),
        ("(.*)*x", "y" * 20_000),
    ],
    ids=["nested", "twice", "anything"],
)
def test_patterns_with_nested_repetition_are_answered(pattern, text):
    found = value("text matches pattern", Names(text=text, pattern=pattern))
    assert found is False


@pytest.mark.parametrize(
    "source",
    [
        "map(1..1000, 1..100000)",
        "'a' matches 'a{1000}{1000}'",
        "repeat('ab', 1000000)",
        "1..1000000000",
        "replace(repeat('a', 1000), 'a', repeat('b', 10000))",
    ],
)
def test_an_expression_that_grows_beyond_its_limits_is_refused(source):
    with pytest.raises(Refused):
        value(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[1, 'a']", '[1,"a"]'),
        ("{a: true, b: nil}", '{"a":true,"b":null}'),
        ("1 == 1", "true"),
        ("nil", ""),
        ("10 / 4", "2.5"),
        ("10 / 5", "2"),
        ("map(numbers, # > 2)", "[false,false,true,true]"),
    ],
)
def test_values_render_as_the_original_does(source, text):
    assert text_of(value(source)) == text


WORDS = [
    *("on", "text", "numbers", "people", "map", "filter", "all", "count", "reduce", "let", "x", "nil"),
    *(
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
        "?",
        "??",
        "?.",
        "!",
        "#",
        "#acc",
        "..",
        ";",
        "=",
    ),
    *(
        "+",
        "-",
        "&&",
        "||",
        "==",
        "in",
        "not",
        "contains",
        "matches",
        "'a'",
        "`b`",
        "3",
        "1.5",
        "strings",
    ),
    *("FromJson", "sortBy", "sum", "if", "else", "is", "defined"),
]
VALUES = {
    "number": ["3", "0", "1.5"],
    "text": ["text", "on", "'a'"],
    "list": ["numbers", "people"],
    "mapping": ["map"],
    "other": ["strings", "nothing", "nil", "#"],
}


@settings(deadline=None, max_examples=500)
@given(expressions(WORDS, VALUES, ["filter", "all", "count", "reduce", "sum", "sortBy"], most_words=16))
def test_no_sequence_of_words_breaks_the_parser(source):
    with suppress(Refused):
        text_of(value(source))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@settings(deadline=None, max_examples=400)
@given(st.text(alphabet="ab.*+?|()[]^$\\d,1-", max_size=12), st.text(alphabet="ab1 ", max_size=20))
def test_patterns_match_where_pythons_engine_does(pattern, text):
    import re

    from salt_o2.workflow.expressions.linear_regex import matches

    with suppress(re.error, Refused):  # what both of them know
        assert (re.compile(pattern).search(text) is not None) == matches(pattern, text)


def test_an_evaluation_of_many_predicates_ends():
    begin = time.monotonic()
    with pytest.raises(Refused, match=r"makes more than|takes longer"):
        value("map(1..100000, {map(1..100000, {#})})")
    assert time.monotonic() - begin < 60
