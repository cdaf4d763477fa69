"""Expressions that cannot be computed: each is the template's fault, with its place and the reason."""

from contextlib import suppress

import pytest
from hypothesis import given, settings

from salt_o2.core.errors import TemplateError
from salt_o2.site.configuration.payload import fill
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.text import Text, guarded, rendered
from tests.support.builders.expressions import Names, value_in
from tests.support.builders.templates import expand
from tests.support.random_tests.expressions import expressions

DEEP = "[" * 900 + "]" * 900
SCENE = Names(deep=DEEP, listed=[1], items=["a"], nothing=None, text="abc", n="3", inf="1e999")
value = value_in(SCENE)

FAULTS = {
    "1e999": "a number too large",
    "-1e999": "a number too large",
    "[1e999]": "a number too large",
    "99999999999999999999": "a number too large",
    "int(inf)": "is not a whole number",
    "fromJSON(deep)": "nested in more than 100 levels",
    "toJSON(reduce(1..900, [#acc], 1))": "nested in more than 100 levels",
    "reduce(1..900, [#acc], 1)": "nested in more than 100 levels",
    "flatten(reduce(1..900, [#acc], 1))": "nested in more than 100 levels",
    "string(reduce(1..900, [#acc], 1))": "nested in more than 100 levels",
    "{[1]: 2}": "a key is a name, a text, a number",
    "{(listed): 2}": "the key of a mapping is a text",
    "fromPairs([[[1], 2]])": "cannot be the key of a mapping",
    "groupBy([[1]], #)": "cannot be the key of a mapping",
}


@pytest.mark.finding("4")
@pytest.mark.parametrize("source", FAULTS)
def test_an_expression_that_cannot_be_computed_is_refused_with_the_reason(source):
    with pytest.raises(Refused) as caught:
        text_of(value(source))
    assert FAULTS[source] in str(caught.value)


@pytest.mark.finding("4")
@pytest.mark.parametrize("source", FAULTS)
@pytest.mark.parametrize("reader", [rendered, guarded])
def test_the_fault_is_noted_with_the_place_of_its_text(source, reader):
    problems = Problems()
    try:
        text = Text(Place("workflows/w.yaml", 7), f"{{{{ {source} }}}}")
    except Refused:
        return  # it is a fault already where the template is read, which the next test looks at
    convert = (text_of,) if reader is guarded else ()
    assert reader(text, SCENE, "main.x", problems, *convert) is None
    (line,) = problems.lines()
    assert line.startswith("workflows/w.yaml:7: main.x: ")
    assert FAULTS[source] in line


@pytest.mark.finding("4")
@pytest.mark.parametrize("source", FAULTS)
def test_a_workflow_with_such_an_expression_is_refused_with_file_and_line(source):
    workflow = (
        f"name: w\ndefaults: {{deep: '{DEEP}', inf: 1e999, listed: a}}\n"
        f'roles:\n- name: x\n  vars: {{v: "{{{{ {source} }}}}"}}\n  task: {{load: plain}}\n'
    )
    if "(listed)" in source:
        workflow = workflow.replace("(listed)", "([1])")
    with pytest.raises(TemplateError) as caught:
        expand(workflow)
    assert any(problem.startswith("workflows/w.yaml:5:") for problem in caught.value.problems)


PAYLOAD_FAULTS = ("FromJson(deep)", "{[1]: 2}", "1 / 0")


@pytest.mark.finding("4")
@pytest.mark.parametrize("source", PAYLOAD_FAULTS)
def test_a_payload_with_such_an_expression_is_refused_with_its_path(source):
    with pytest.raises(TemplateError, match=r"^configuration qc/ANY/any/x"):
        fill(f"{{{{ {source} }}}}", SCENE.variables, lambda _: "", "configuration qc/ANY/any/x")


PIECES = [
    *(
        "1e999",
        "1e308",
        "-1",
        "0",
        "2.5",
        "'a'",
        "deep",
        "listed",
        "nothing",
        "text",
        "n",
        "inf",
        "#",
        ".",
    ),
    *("[1]", "{a: 1}", "{[1]: 2}", "[", "]", "{", "}", "(", ")", ",", ":", "|", "?", "..", "=="),
    *("+", "-", "*", "/", "%", "**", "~", "in", "not", "and", "matches", "<", "is", "if", "else"),
    *("range(", "fromJSON(", "toJSON(", "reduce(", "map(", "flatten(", "fromPairs(", "get(", "sort("),
    *("uniq(", "median(", "max(", "split(", "repeat(", "round", "int", "float", "tojson", "sum", "first"),
]
VALUES = {
    "number": ["1e308", "-1", "2.5"],
    "text": ["'a'", "deep", "text", "n", "inf"],
    "list": ["listed"],
    "mapping": ["{a: 1}"],
    "other": ["1e999", "nothing", "{[1]: 2}"],
}
CALLS = [
    "range",
    "fromJSON",
    "toJSON",
    "flatten",
    "fromPairs",
    "get",
    "sort",
    "max",
    "round",
    "int",
    "float",
    "first",
]


@pytest.mark.finding("4")
@settings(deadline=None, max_examples=600)
@given(expressions(PIECES, VALUES, CALLS, most_words=12))
def test_no_expression_fails_otherwise_than_refused(source):
    with suppress(Refused):
        text_of(value(source))
