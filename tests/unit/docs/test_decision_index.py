"""The index of decision records names each record once, and refers only to records that exist."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "docs/decisions"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))
ROWS = re.findall(
    r"^\| \[(\d+)\]\(([\w.-]+)\) \| (.+) \| ([\d, ]*)\|$", (FOLDER / "README.md").read_text(), re.MULTILINE
)


def test_the_index_has_one_row_for_each_record():
    assert sorted(name for _, name, _, _ in ROWS) == [path.name for path in RECORDS]


@pytest.mark.parametrize(("number", "name", "title"), [row[:3] for row in ROWS])
def test_a_row_has_the_number_and_the_title_of_its_record(number, name, title):
    assert int(name[:4]) == int(number)
    assert (FOLDER / name).read_text().startswith(f"# {number}. {title}\n")


def test_later_records_of_the_index_exist():
    later = {int(number) for _, _, _, numbers in ROWS for number in re.findall(r"\d+", numbers)}
    assert later <= {int(path.name[:4]) for path in RECORDS}
    assert later
