"""READMEs of packages, the design page and "Where do I change X" name files and folders that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "salt_o2"
PAGES = [ROOT / "docs/explanation" / name for name in ("design.md", "where-to-change.md")]
PACKAGES = sorted({init.parent.parent for init in LIBRARY.glob("*/*/__init__.py")})
READMES = sorted(LIBRARY.rglob("README.md"))
FILE = re.compile(r"(?<![\w/.-])((?:\.\./)*(?:\w+/)*(?:\w+\.py|\w+/))(?![\w*])")
MOST_LINES = 60
NOT_OF_A_FILE = {"NOUN.py"}


def names_in(text):
    """Return the Python files and folders in backticks and in diagrams."""
    diagrams = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    parts = [*re.findall(r"`([^`\n]+)`", text), *diagrams]
    found = {path for part in parts for path in FILE.findall(part)}
    return sorted(path for path in found if Path(path).name not in NOT_OF_A_FILE)


def is_there(path, folders):
    return any((folder / path).exists() for folder in folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_files_that_exist(page):
    missing = [path for path in names_in(page.read_text()) if not is_there(path, (ROOT, LIBRARY))]
    assert missing == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.parent.relative_to(LIBRARY)))
def test_a_readme_names_only_files_that_exist(readme):
    folders = (readme.parent, LIBRARY, ROOT)
    assert [path for path in names_in(readme.read_text()) if not is_there(path, folders)] == []


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.parent.relative_to(LIBRARY)))
def test_a_readme_is_short_and_says_where_to_change_things(readme):
    text = readme.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert "## Vocabulary" in text
    assert "## Where do I change X" in text


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_with_folders_has_a_readme_that_names_each_of_them(package):
    text = (package / "README.md").read_text()
    folders = [init.parent.name for init in package.glob("*/__init__.py")]
    assert [name for name in folders if f"{name}/" not in text] == []


def test_the_table_has_twenty_changes_and_each_names_a_file():
    text = (ROOT / "docs/explanation/where-to-change.md").read_text()
    rows = re.findall(r"^\| (\d+)\. [^|]+\| (.+) \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    assert all(names_in(files) for _, files in rows)


def test_every_package_is_in_the_table_of_the_design_page():
    text = (ROOT / "docs/explanation/design.md").read_text()
    packages = {init.parent.name for init in LIBRARY.glob("*/__init__.py")}
    assert {name for name in packages if not re.search(rf"^\| .*`{name}`.* \|", text, re.MULTILINE)} == set()


def test_the_pattern_finds_files_and_folders():
    text = "`core/states.py`, `cli/commands/` and `requests/arguments.py`; `a.b`, `NAME=x`, `salt/o2/*`\n"
    text += "```text\n x/ -> y/z.py\n```\n"
    assert names_in(text) == ["cli/commands/", "core/states.py", "requests/arguments.py", "x/", "y/z.py"]
