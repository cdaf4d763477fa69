"""The page "Security" names a test for each promise, and each of them is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/explanation/security.md").read_text()
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_test_that_the_page_names_is_there(file, test):
    assert re.search(rf"^(async )?def {test}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_each_promise_names_its_test():
    promises = re.findall(r"^\|[^|]*may not \| held by \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = [row for table in promises for row in table.splitlines()]
    assert len(rows) == len(NAMED) >= 25
    assert all(re.search(r"\| `[\w/]+\.py::\w+` \|$", row) for row in rows)


def test_no_table_of_promises_has_another_form():
    """Otherwise its lines would not be checked."""
    heads = [
        line for line in PAGE.splitlines() if line.startswith("|") and "may not" in line and "held" in line
    ]
    checked = re.findall(r"^\|[^|]*may not \| held by \|$", PAGE, re.MULTILINE)
    assert heads == checked
    assert len(heads) >= 4


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[test for _, test in NAMED])
def test_a_named_test_is_neither_skipped_nor_expected_to_fail(file, test):
    source = (ROOT / "tests" / file).read_text()
    (above,) = re.findall(rf"((?:^@.*\n(?:^[ )\]].*\n)*)*)^(?:async )?def {test}\(", source, re.MULTILINE)
    assert not re.search(r"pytest\.mark\.(skip|xfail)\b", above)
    assert not re.search(r"^pytestmark = .*(skip|xfail)\b", source, re.MULTILINE)


@pytest.mark.parametrize("section", re.findall(r"^## (.*)$", PAGE, re.MULTILINE)[1:5])
def test_each_section_about_a_party_says_what_is_not_defended(section):
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    assert "may not | held by |" in text
    assert "Not defended:" in text


def test_no_promise_is_made_twice():
    promises = re.findall(r"^\| ([^|]+) \| `[\w/]+\.py::\w+` \|$", PAGE, re.MULTILINE)
    assert len(promises) == len(set(promises)) == len(NAMED)
