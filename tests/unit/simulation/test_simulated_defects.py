"""Each defect that the simulator must find can still be put into the code."""

from pathlib import Path

import pytest

from tests.support.random_tests.find_again import put
from tests.support.simulation.simulated_defects import SIMULATED_DEFECTS

ROOT = Path(__file__).resolve().parents[3]


def test_at_least_twenty_different_defects_are_simulated():
    names = [defect.what for defect in SIMULATED_DEFECTS]
    assert len(set(names)) == len(names) >= 20


@pytest.mark.parametrize("defect", SIMULATED_DEFECTS, ids=lambda defect: defect.what)
def test_a_defect_changes_code_that_can_still_be_compiled(defect, tmp_path):
    for file, _, _ in defect.changes:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text((ROOT / file).read_text())
    put(defect, tmp_path)
    for file, _, _ in defect.changes:
        changed = (tmp_path / file).read_text()
        assert changed != (ROOT / file).read_text()
        compile(changed, file, "exec")
