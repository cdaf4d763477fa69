"""The evaluator agrees with expr-lang and AliECS's functions in each fact of the table (tests/oracle)."""

import json
from pathlib import Path

import pytest

from salt_o2.workflow.expressions.evaluation.expression import expression
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.variables.stack import Stack
from tests.oracle.canonical import canonical
from tests.oracle.differences import DIFFERENCES, difference
from tests.oracle.expression_inputs import VARIABLES, expressions

TABLE = Path(__file__).resolve().parents[3] / "data" / "oracle" / "expressions.jsonl"
FACTS = [json.loads(line) for line in TABLE.read_text().splitlines()]
"""The source; and, unless AliECS refuses it, its value and its text."""
ROLE = Stack((VARIABLES,), None)


def outcome_of(source):
    """The value of ``source`` with its kinds and as text; nothing if it is refused."""
    try:
        value = expression(source).value(ROLE)
    except Refused:
        return []
    return [canonical(value), text_of(value) if canonical(value) != "func" else ""]


def written_otherwise(value):
    """Whether AliECS writes a value as no program can read it: nil, mappings, lists of numbers, pairs."""
    return value == "nil" or value[0] in "{["


def test_the_table_has_all_inputs_of_the_generator():
    assert [fact[0] for fact in FACTS] == expressions()
    assert len(FACTS) >= 5_000


@pytest.mark.parametrize("part", range(20))
def test_each_value_is_that_of_expr_lang(part):
    wrong = [
        (source, value, found)
        for source, *known in FACTS[part::20]
        if not difference(source) and (value := known[:1]) != (found := outcome_of(source)[:1])
    ]
    assert wrong == []


def test_each_text_is_what_aliecs_inserts():
    wrong = [
        (source, known[1], found)
        for source, *known in FACTS
        if known
        and not difference(source)
        and not written_otherwise(known[0])
        and known[1] != (found := outcome_of(source)[1])
    ]
    assert wrong == []


def test_lists_are_inserted_as_the_json_of_go():
    lists = [
        (known[1], outcome_of(source)[1])
        for source, *known in FACTS
        if known and known[0].startswith("[") and not difference(source) and known[1].startswith(('["', "[]"))
    ]
    assert len(lists) > 100
    assert [pair for pair in lists if pair[0] != pair[1] and pair[0] != "[]"] == []


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_each_difference_that_stays_is_there(reason):
    """A reason that no fact needs is deleted."""
    rows = [fact for fact in FACTS if difference(fact[0]) == reason]
    assert any(outcome_of(source)[:1] != known[:1] for source, *known in rows)
