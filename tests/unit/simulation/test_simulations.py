"""Whole simulated clusters: all invariants hold, and a seed always gives the same log."""

import os
import subprocess
import sys

import pytest

from salt_o2.simulation.scenario import FaultKind, draw_scenario
from salt_o2.simulation.simulation import simulate, without

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_invariants_hold_in_a_drawn_scenario(seed):
    outcome = simulate(draw_scenario(seed, minutes=6.0))
    assert outcome.broken == [], outcome.text
    assert outcome.created > 0, "a simulation without environments shows nothing"
    assert outcome.checks > 100


def test_the_same_seed_gives_the_same_log_in_processes_with_different_hash_seeds():
    logs = set()
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-m", "salt_o2.simulation", "3", "--minutes", "4", "--log"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        log, summary, _ = done.stdout.partition("1 simulations,")
        assert summary
        logs.add(log)
    assert len(logs) == 1
    assert "env_create" in logs.pop()


def test_a_scenario_is_the_same_for_the_same_seed_and_has_all_kinds_of_faults():
    assert draw_scenario(5) == draw_scenario(5)
    kinds = {fault.kind for seed in range(200) for fault in draw_scenario(seed).faults}
    assert kinds == set(FaultKind)


def test_a_fault_can_be_left_out():
    scenario = next(drawn for seed in range(100) if len((drawn := draw_scenario(seed)).faults) > 2)
    assert without(scenario, {1}).faults == scenario.faults[:1] + scenario.faults[2:]
