"""A scenario that fails is reduced to the faults that it needs."""

from dataclasses import replace

import pytest

from salt_o2.simulation.scenario import Fault, FaultKind, Scenario
from salt_o2.simulation.shrinking import shrink


def fault(number):
    return Fault(float(number), FaultKind.AGENT_KILLED, f"flp{number}", 1.0, number)


SCENARIO = Scenario(1, 10, 3, 10.0, tuple(fault(number) for number in range(12)))


def numbers(scenario):
    return [each.draw for each in scenario.faults]


@pytest.mark.parametrize("needed", [[], [5], [0, 11], [2, 3, 9]])
def test_only_the_needed_faults_are_left(needed):
    smaller = shrink(SCENARIO, lambda tried: set(needed) <= set(numbers(tried)))
    assert numbers(smaller) == needed


def test_shrinking_reduces_users_while_the_scenario_still_fails():
    assert shrink(SCENARIO, lambda _: True).users == 1
    assert shrink(SCENARIO, lambda tried: tried.users == 3).users == 3


def test_the_number_of_simulations_is_bounded():
    tried = []

    def fails(scenario):
        tried.append(scenario)
        return False

    assert shrink(SCENARIO, fails, most=5) == replace(SCENARIO)
    assert len(tried) <= 6
