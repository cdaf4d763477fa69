"""What tests need is said by markers, so that a run as root can choose them and a skip has its reason."""

import os
import re
from pathlib import Path

import pytest

from tests.support import needs

TESTS = Path(__file__).resolve().parents[1]
OWN_SKIP = re.compile(r"skipif\(\s*(?:os\.geteuid\(\) != 0|not shutil\.which)")


def test_tests_for_root_are_marked_so():
    found = [path.name for path in TESTS.rglob("*.py") if OWN_SKIP.search(path.read_text())]
    assert found == [], "use pytest.mark.root(...) or pytest.mark.needs(...) of tests/support/needs.py"


def test_each_program_that_a_test_needs_has_a_package_that_ci_installs():
    used = {
        program
        for path in TESTS.rglob("*.py")
        for words in re.findall(r"mark\.needs\((\"[^)]*)\)", path.read_text())
        for program in re.findall(r'"([^"]+)"', words)
    }
    assert used - {"nft\\"} <= set(needs.PACKAGES)
    installed = (TESTS.parent / ".ci" / "packages").read_text()
    # The kernel of user-mode-linux does not start on every processor.
    assert all(package in installed for package in {*needs.PACKAGES.values()} - {"user-mode-linux"})


@pytest.mark.root("see that tests for root run as root")
def test_a_test_with_the_marker_root_runs_as_root():
    assert os.geteuid() == 0


@pytest.mark.needs("ip")
def test_a_test_with_the_marker_needs_has_its_program():
    assert needs.where("ip")


def test_no_module_of_tests_imports_another_test_and_support_stands_in_packages():
    imports = [
        f"{path.relative_to(TESTS)}: {found[0]}"
        for path in TESTS.rglob("*.py")
        for found in re.finditer(
            r"^(?:from|import) (?:tests\.\S*\.)?test_\w+", path.read_text(), re.MULTILINE
        )
    ]
    assert imports == [], "move what tests share to tests/support"
    loose = {path.name for path in TESTS.glob("*.py")} - {"__init__.py", "conftest.py"}
    assert loose == set(), "move these to tests/support"
