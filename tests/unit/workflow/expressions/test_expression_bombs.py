"""Expressions that would take for ever, or all memory, by name; and known ways out of jinja2's sandbox."""

import resource
import time

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.expressions.evaluation_budget import within
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from tests.support.builders.expressions import Names, value_in
from tests.support.builders.templates import expand

BIG = "x" * 1_000_000
value = value_in(Names(big=BIG, it="3", text="abc", items=["a", "b"], map={"k": "v"}))


def let(last, count=60):
    """Name a list, then one that holds it twice, and so on; then compute ``last`` of the last one, ``z``."""
    steps = "; ".join(f"let v{i} = [v{i - 1}, v{i - 1}]" for i in range(1, count))
    return f"let v0 = [1]; {steps}; let z = v{count - 1}; {last}"


BOMBS = {
    "a text many times": "'a' * 10 ** 9",
    "a list many times": "[0] * 10 ** 9",
    "a range": "range(10 ** 12)",
    "a range in expr-lang's way": "1..10 ** 12",
    "a width of %": "'%1000000000d' % 1",
    "a width of format": "'{:1000000000}'.format(1)",
    "a width of the filter format": "'%1000000000s' | format(1)",
    "ljust": "text.ljust(10 ** 9)",
    "zfill": "text.zfill(10 ** 9)",
    "expandtabs": "'\\t'.expandtabs(10 ** 9)",
    "center": "text | center(10 ** 9)",
    "indent": "text | indent(10 ** 9)",
    "batch": "items | batch(10 ** 9) | list",
    "slice": "items | slice(10 ** 9) | list",
    "wordwrap": "big | wordwrap(1)",
    "translate": "text.translate({97: big})",
    "repeat": "repeat('ab', 10 ** 9)",
    "join": "join(map(1..1000, {'a'}), big)",
    "replace": "replace(big, 'x', 'yy')",
    "texts doubled": "reduce(1..60, #acc + #acc, 'aa')",
    "lists doubled": "reduce(1..60, concat(#acc, #acc), [1])",
    "lists in lists": "reduce(1..60, [#acc, #acc], [1])",
    "lists in mappings": "reduce(1..60, values({a: #acc, b: #acc}), [1])",
    "lists in pairs": "reduce(1..60, toPairs({a: #acc, b: #acc}), [1])",
    "lists in groups": "reduce(1..60, groupBy([#acc, #acc], 1), [1])",
    "lists flattened": "reduce(1..60, flatten([#acc, #acc]), [1])",
    "lists by names": let("z"),
    "lists by names as JSON": let("len(ToJson(z))"),
    "lists by names, compared": let("z == [z]"),
    "many big texts": "map(1..100000, repeat('a', 1000000))",
    "many copies by a function": "map(1..100000, upper(big)) | len()",
    "many dates": "map(1..100000, date('2023-08-14'))",
    "a text replaced by itself": "reduce(1..60, replace(#acc, 'a', #acc), 'aa')",
    "a join of joins": "reduce(1..60, join([#acc, #acc], #acc), 'aa')",
    "many ids": "map(1..1000000, uid.New()) | map(#) | map(#)",
    "many ranges": "map(1..100000, 1..100000)",
    "closures in closures": "map(1..100000, {map(1..100000, {#})})",
    "many sorts": "map(1..100000, {sort(1..100000)})",
    "many splits": "map(1..100000, {split(big, '')})",
    "many searches": "map(1..100000, {big contains 'y'})",
    "many patterns": "map(1..100000, {big matches '(a+)+$'})",
    "a pattern of many states": "'a' matches 'a{1000}{1000}'",
    "brackets": "(" * 5_000 + "1" + ")" * 5_000,
    "lists of lists, written": "[" * 5_000 + "]" * 5_000,
    "nots": "!" * 9_000 + "1",
    "comparisons in a row": " == ".join(["it"] * 1_000),
    "digits": "1" * 9_999,
    "too long": "x" * 10_001,
}


@pytest.fixture(autouse=True)
def small_allowance(monkeypatch):
    """A tenth of what an expression has at a site, or these tests would take minutes."""
    monkeypatch.setattr("salt_o2.workflow.expressions.evaluation_budget.EVALUATION_S", 0.5)
    monkeypatch.setattr("salt_o2.workflow.expressions.evaluation_budget.MADE", 1_000_000)


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_an_expensive_expression_is_stopped_within_its_limits(source):
    memory, begin = _memory_mb(), time.monotonic()
    with pytest.raises(Refused):
        text_of(value(source))
    assert time.monotonic() - begin < 60, "far above the limit, for busy machines; without one it never ends"
    assert _memory_mb() - memory < 500


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+$", "(a|a)*b$", "(.*)*y", "(a|aa)+$", "(a?){50}a{50}b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a*)*b"],
)
def test_a_pattern_takes_a_time_linear_in_the_text(pattern):
    assert value("repeat('a', 20000) + '!' matches pattern", Names(pattern=pattern)) is False


@pytest.mark.parametrize(
    "pattern", [r"(a)\1", "(?=a)b", "(?<=a)b", "(?<!a)b", "(?!a)b", "(?(1)a|b)", "(?P<x>a)(?P=x)"]
)
def test_a_pattern_that_could_not_be_linear_is_refused(pattern):
    with pytest.raises(Refused):
        value("text matches pattern", Names(text="aa", pattern=pattern))


ESCAPES = [
    "''.__class__.__mro__[1].__subclasses__()",
    "''.__class__.__base__",
    "().__class__",
    "{}.__class__.__init__.__globals__",
    "''['__class__']",
    "''['__cl' + 'ass__']",
    "'' | attr('__class__')",
    "[''] | map(attribute='__class__') | list",
    "[''] | map(attribute='__class__.__mro__') | list",
    "[map] | selectattr('__class__') | list",
    "[''] | sort(attribute='__class__')",
    "[''] | sum(attribute='__class__')",
    "[''] | groupby('__class__')",
    "[''] | unique(attribute='__class__') | list",
    "[''] | max(attribute='__class__')",
    "'{0.__class__}'.format('')",
    "'{0.__class__}'.format_map({})",
    "''.format.__self__",
    "'%(a)s' % map",
    "range.__self__",
    "len.__self__",
    "strings.ToUpper.__globals__",
    "strings.ToUpper.__code__",
    "strings._entries",
    "uid.__class__",
    "This().above",
    "Parent.__closure__",
    "self",
    "self.__init__",
    "lipsum.__globals__",
    "cycler.__init__.__globals__",
    "joiner.__init__",
    "namespace",
    "get_flashed_messages",
    "request",
    "config.__class__",
    "url_for.__globals__",
    "items.append('c')",
    "items.clear()",
    "map.update({'a': 1})",
    "map.setdefault('a', 1)",
    "[].extend([1])",
    "(1).__class__",
    "1.5.__class__",
    "true.__class__",
    "nil.__class__",
    "$env.__class__",
    "$env?.x.__class__",
    "get(map, '__class__').x",
    "date('2023-08-14').__class__",
    "date('2023-08-14').moment",
    "duration('1s').nanoseconds",
    "now().location.zone",
    "strings['_entries']",
    "len.call",
    "Atoi.overloads",
    "import('os')",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "__import__('os')",
    "(lambda: 1)()",
    "[x for x in items]",
    "it if 1 else (yield)",
    "items | map('attr', '__class__') | list",
    "items | map('call') | list",
    "'a' | tojson | safe",
    "'a' | xmlattr",
    "'a' | pprint",
    "'a' | e.__class__",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_no_known_attack_leaves_the_sandbox(source):
    with pytest.raises(Refused):
        text_of(value(source))


def test_a_workflow_that_includes_itself_is_ended():
    text = "name: w\nroles: [{name: a, include: w}, {name: b, include: w}]\n"
    with pytest.raises(TemplateError, match="nested includes"):
        expand(text, others={"other": text})


def test_iterators_in_iterators_are_ended():
    loop = "for: {begin: 1, end: 100000, var: %s}"
    text = (
        f"name: w\nroles: [{{name: 'a{{{{ i }}}}', {loop % 'i'}, roles: "
        f"[{{name: 'b{{{{ j }}}}', {loop % 'j'}, task: {{load: plain}}}}]}}]\n"
    )
    with pytest.raises(TemplateError, match="more than 200,000 roles"):
        expand(text)


def test_all_expressions_of_a_workflow_together_have_a_time():
    source = "map(1..1000, #)"
    with within(0.0), pytest.raises(Refused, match="takes too long"):
        value(source)
    assert len(value(source)) == 1_000


def _memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("name", ["lists by names", "lists by names, compared", "many sorts"])
def test_an_expression_without_any_time_left_is_refused_for_that_alone(monkeypatch, name):
    monkeypatch.setattr("salt_o2.workflow.expressions.evaluation_budget.EVALUATION_S", 0.0)
    with pytest.raises(Refused, match="it takes longer"):
        value(BOMBS[name])
