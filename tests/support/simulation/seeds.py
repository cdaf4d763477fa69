"""Simulations of a few seeds as a test: all invariants hold, and each simulation shows something."""

from collections.abc import Collection

from salt_o2.simulation.scenario import FaultKind, draw_scenario
from salt_o2.simulation.simulation import simulate


def check_invariants(seed: int, only: Collection[FaultKind] = ()) -> None:
    """Run the simulation of ``seed``, ten minutes with ten hosts, with faults of the kinds ``only``."""
    outcome = simulate(draw_scenario(seed, only=only))
    assert outcome.broken == [], outcome.text
    assert outcome.created > 0, "a simulation without environments shows nothing"
    assert outcome.checks > 250
