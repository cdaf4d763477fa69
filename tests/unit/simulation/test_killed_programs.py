"""All invariants hold when programs are killed; no transition may fail because of that."""

import pytest

from salt_o2.simulation.scenario import KILLS
from tests.support.simulation.seeds import check_invariants


@pytest.mark.parametrize("seed", range(100, 120))
def test_no_transition_fails_and_all_invariants_hold_when_programs_are_killed(seed):
    check_invariants(seed, KILLS)
