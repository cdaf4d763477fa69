"""All invariants hold when disks and the database fail."""

import pytest

from salt_o2.simulation.scenario import FaultKind
from tests.support.simulation.seeds import check_invariants

DISKS = (
    FaultKind.DISK_FULL,
    FaultKind.RECORDS_LOST,
    FaultKind.FILE_DAMAGED,
    FaultKind.STORE_LOCKED,
    FaultKind.AGENT_DIES_WRITING,
    FaultKind.CONTROL_DIES_WRITING,
)


@pytest.mark.parametrize("seed", range(400, 418))
def test_all_invariants_hold_when_disks_fail_and_programs_die_at_a_write(seed):
    check_invariants(seed, DISKS)
