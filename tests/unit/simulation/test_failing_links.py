"""All invariants hold when links fail."""

import pytest

from salt_o2.simulation.scenario import FaultKind
from tests.support.simulation.seeds import check_invariants

LINKS = (
    FaultKind.HOST_CUT_OFF,
    FaultKind.LINK_CUT,
    FaultKind.COMMANDS_CUT,
    FaultKind.REPORTS_CUT,
    FaultKind.MASTER_AWAY,
    FaultKind.LINK_LOSSY,
    FaultKind.LINK_SLOW,
    FaultKind.CONTROL_KILLED,
)


@pytest.mark.parametrize("seed", range(200, 218))
def test_all_invariants_hold_when_links_fail_and_control_is_killed(seed):
    check_invariants(seed, LINKS)
