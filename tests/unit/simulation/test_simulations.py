"""Scenarios and their simulations: a seed always gives the same log."""

import asyncio
import os
import subprocess
import sys

from salt_o2.simulation.scenario import FaultKind, draw_scenario
from salt_o2.simulation.simulation import without
from tests.support.simulation.scene import play_in


def test_a_run_without_events_needs_no_callbacks_but_those_of_heartbeats(tmp_path):
    """A loop of the product that polls shows here; devices announce their states over OCC."""

    async def scene(acted):
        loop = acted.cluster.loop
        await asyncio.sleep(30)
        begun = loop.turns
        await asyncio.sleep(100)
        return loop.turns - begun

    hosts, heartbeats = 2, 20
    turns = play_in(tmp_path, scene) / hosts / heartbeats
    assert turns < 30


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
