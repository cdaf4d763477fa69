"""Reduce a scenario that fails: leave out faults one by one while it still fails."""

from collections.abc import Callable
from dataclasses import replace

from salt_o2.simulation.scenario import Scenario

Fails = Callable[[Scenario], bool]


def shrink(scenario: Scenario, fails: Fails, most: int = 200) -> Scenario:
    """Return a smaller scenario for which ``fails`` holds; run at most ``most`` simulations."""
    tried = 0
    size = max(1, len(scenario.faults) // 2)
    while tried < most:
        smaller = None
        for start in range(0, len(scenario.faults), size):
            if tried >= most:
                break
            tried += 1
            remaining = scenario.faults[:start] + scenario.faults[start + size :]
            candidate = replace(scenario, faults=remaining)
            if fails(candidate):
                smaller = candidate
                break
        if smaller is not None:
            scenario = smaller
            size = min(size, max(1, len(scenario.faults) // 2))
        elif size > 1:
            size //= 2
        else:
            break
    if scenario.users > 1 and fails(fewer := replace(scenario, users=1)):
        return fewer
    return scenario
