"""All invariants hold when faults of all kinds are drawn."""

import pytest

from tests.support.simulation.seeds import check_invariants


@pytest.mark.parametrize("seed", range(18))
def test_all_invariants_hold_with_faults_of_all_kinds(seed):
    check_invariants(seed)
