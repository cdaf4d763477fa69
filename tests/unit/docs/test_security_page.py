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
