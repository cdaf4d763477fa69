"""All invariants hold when processes and devices of tasks fail."""

import pytest

from salt_o2.simulation.scenario import FaultKind
from tests.support.simulation.seeds import check_invariants

TASKS = (
    FaultKind.PROCESS_CRASHED,
    FaultKind.PID_TAKEN,
    FaultKind.DEVICE_TROUBLE,
    FaultKind.HOST_REBOOTED,
    FaultKind.STRANGERS,
    FaultKind.AGENT_KILLED_MIDWAY,
)


@pytest.mark.parametrize("seed", range(300, 318))
def test_all_invariants_hold_when_tasks_fail_and_agents_are_killed(seed):
    check_invariants(seed, TASKS)
