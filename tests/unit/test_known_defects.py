"""Each known defect can still be put into the code, and each random test has one that it must find."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.random_tests.find_again import put
from tests.support.random_tests.known_defects import DEFECTS
from tests.support.random_tests.listing import random_tests, random_tests_of

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "docs" / "decisions" / "0046-random-tests-find-known-defects.md"
WITHOUT_DEFECT = {
    "tests/faults/test_drills.py::test_a_run_continues_under_random_faults": (
        "takes minutes of real daemons for each seed"
    ),
    **{
        f"tests/unit/simulation/{test}": "tests/support/simulation/simulated_defects.py has its defects"
        for test in (
            "test_drawn_faults.py::test_all_invariants_hold_with_faults_of_all_kinds",
            "test_failing_disks.py::test_all_invariants_hold_when_disks_fail_and_programs_die_at_a_write",
            "test_failing_links.py::test_all_invariants_hold_when_links_fail_and_control_is_killed",
            "test_failing_tasks.py::test_all_invariants_hold_when_tasks_fail_and_agents_are_killed",
            "test_killed_programs.py::"
            "test_no_transition_fails_and_all_invariants_hold_when_programs_are_killed",
        )
    },
}
"""Random tests for which no defect is put back, and why."""


def test_each_defect_names_one_place_in_the_code():
    changed = [
        f"{file} has {times} times {sound!r}, for {defect.test}"
        for defect in DEFECTS
        for file, sound, _ in defect.changes
        if (times := (ROOT / file).read_text().count(sound) if (ROOT / file).is_file() else 0) != 1
    ]
    assert changed == [], "the code has changed: correct tests/support/random_tests/known_defects.py"


def test_each_defect_leaves_code_that_runs_and_uses_only_names_that_exist(tmp_path):
    """A name that does not exist would fail in every example, and say nothing about the test."""
    for number, defect in enumerate(DEFECTS):
        folder = tmp_path / str(number)
        for file, _, _ in defect.changes:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text((ROOT / file).read_text())
        before = {file: (folder / file).read_text() for file, _, _ in defect.changes}
        put(defect, folder)
        assert all((folder / file).read_text() != text for file, text in before.items()), defect
    ruff = [sys.executable, "-m", "ruff", "check", "-q", "--isolated", "--select", "E9,F821"]
    salts = ["--config", "builtins = ['__opts__', '__salt__', '__grains__', '__pillar__', '__context__']"]
    checked = subprocess.run([*ruff, *salts, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (checked.stdout, checked.returncode) == ("", 0)


def test_each_random_test_has_a_defect_that_it_must_find():
    with_defect = {defect.test for defect in DEFECTS}
    assert not with_defect & WITHOUT_DEFECT.keys()
    assert {*with_defect, *WITHOUT_DEFECT} == set(random_tests()), "correct known_defects.py"


def test_the_table_of_decision_46_has_a_figure_for_each_defect():
    """Texts are not compared: names of tests change more often than the table is measured again."""
    rows = re.findall(r"^\|[^|]+\|[^|]+\| \d+ \|$", FIGURES.read_text(), re.MULTILINE)
    assert len(rows) == len(DEFECTS)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@given(st.text())\ndef test_a(text): pass", ["test_a"]),
        ("@settings(max_examples=5)\n@given(st.text())\ndef test_a(text): pass", ["test_a"]),
        ("class TestAll:\n    @given(st.text())\n    def test_a(self, text): pass", ["TestAll::test_a"]),
        (
            "class Machine(RuleBasedStateMachine): pass\nTestMachine = Machine.TestCase",
            ["TestMachine::runTest"],
        ),
        ("@mark.parametrize('seed', seeds('0-9'))\ndef test_a(seed): pass", ["test_a"]),
        ("def test_a():\n    chance = random.Random(SEED)", ["test_a"]),
        ("def test_a():\n    chance = random.Random(1)", []),
        ("@mark.parametrize('word', ['seed'])\ndef test_a(word): pass\ndef helper(): Random(SEED)", []),
    ],
)
def test_random_tests_are_those_with_drawn_examples_or_seeds(source, found):
    assert list(random_tests_of(source)) == found
