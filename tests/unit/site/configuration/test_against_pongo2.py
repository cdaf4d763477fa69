"""Payloads are rendered as pongo2 renders them, in each fact of the table (tests/oracle)."""

import json
from pathlib import Path

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.site.configuration.payload import fill
from tests.oracle.differences import PAYLOAD_DIFFERENCES, payload_difference
from tests.oracle.payload_inputs import OTHERS, VARIABLES, payloads

TABLE = Path(__file__).resolve().parents[3] / "data" / "oracle" / "payloads.jsonl"
FACTS = [json.loads(line) for line in TABLE.read_text().splitlines()]
"""The source; and, unless pongo2 refuses it, a mark and its text."""


def filled(source):
    """The text of ``source``; ``None`` if it is refused."""
    try:
        return fill(source, VARIABLES, OTHERS.__getitem__, "here")
    except TemplateError:
        return None


def test_the_table_has_all_inputs_of_the_generator():
    assert [fact[0] for fact in FACTS] == payloads()
    assert len(FACTS) >= 500


def test_each_payload_is_rendered_as_pongo2_renders_it():
    wrong = [
        (source, known, found)
        for source, *known in FACTS
        if not payload_difference(source) and (known[1] if known else None) != (found := filled(source))
    ]
    assert wrong == []


@pytest.mark.parametrize("reason", PAYLOAD_DIFFERENCES)
def test_each_difference_that_stays_is_there(reason):
    """A reason that no fact needs is deleted."""
    rows = [fact for fact in FACTS if payload_difference(fact[0]) == reason]
    assert any(filled(source) != (known[1] if known else None) for source, *known in rows)
