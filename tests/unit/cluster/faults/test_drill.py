"""The short drill of `make test`: every kind of fault comes in it."""

import importlib.util
from itertools import islice
from pathlib import Path

import pytest

from salt_o2.cluster.faults.drill import impossible, parts_of
from salt_o2.cluster.faults.invariants import Observation, ObservedEnvironment, ObservedTask
from salt_o2.cluster.faults.schedule import WEIGHTS, Action, Bounds, Kind, Part, rounds
from salt_o2.core.recovery.host_liveness import SILENT_AFTER

ROOT = Path(__file__).parents[4]
DEVICES = [
    "diamond.processors.processor0",
    "diamond.processors.processor1",
    "diamond.sampler",
    "diamond.sink",
]
PROGRAMS = ["recorder", "monitor"]


@pytest.fixture(scope="module")
def drills():
    """The module of the drills, which is a test and not a library."""
    spec = importlib.util.spec_from_file_location("drills", ROOT / "tests/faults/test_drills.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def task(number, path, plain):
    host = f"flp{1 + number % 2}"
    return ObservedTask(
        path=f"with-programs.{path}", host=host, pid=number + 1, started="t", state="RUNNING", plain=plain
    )


def sight():
    """What is seen of the environment that is drilled, on two hosts."""
    named = [*((path, False) for path in DEVICES), *((path, True) for path in PROGRAMS)]
    tasks = [task(number, path, plain) for number, (path, plain) in enumerate(named)]
    environment = ObservedEnvironment(
        id="E1", state="RUNNING", run_number=1, tasks={each.path: each for each in tasks}
    )
    return Observation(environments={"E1": environment})


def test_every_possible_victim_is_a_component():
    parts = parts_of(sight(), "E1", links=True)
    assert {part.kind for part in parts} == set(Kind)
    assert Part(Kind.PROGRAM, "with-programs.monitor") in parts
    assert Part(Kind.TASK, "with-programs.monitor") not in parts
    assert Part(Kind.RECORD, "with-programs.monitor") in parts
    assert Part(Kind.HOST, "flp2") in parts


def test_without_links_none_is_a_part():
    assert Kind.LINK not in {part.kind for part in parts_of(sight(), "E1")}


def test_without_namespaces_no_host_is_rebooted():
    assert (Kind.HOST, Action.REBOOT) in impossible(namespaces=False)
    assert (Kind.HOST, Action.REBOOT) not in impossible(namespaces=True)


@pytest.mark.parametrize(
    "missing", [Action.MUTE, Action.DEAFEN, Action.SILENCE, Action.LOSE, Action.THROTTLE]
)
def test_without_its_tools_a_link_fails_in_fewer_ways(monkeypatch, missing):
    monkeypatch.setattr("salt_o2.cluster.faults.drill.where", lambda _tool: None)
    assert (Kind.LINK, missing) in impossible(namespaces=True)
    assert (Kind.LINK, Action.CUT) not in impossible(namespaces=True)


def test_a_user_who_may_not_choose_pids_has_none_reused(monkeypatch):
    monkeypatch.setattr("salt_o2.cluster.faults.drill.may_choose_pids", lambda: False)
    assert {(Kind.TASK, Action.REUSE_PID), (Kind.PROGRAM, Action.REUSE_PID)} <= set(impossible(True))


@pytest.mark.parametrize("network", ["shared", "namespaces"])
def test_the_short_drill_has_every_kind_of_fault(drills, network):
    links = network == "namespaces"
    parts = parts_of(sight(), "E1", links)
    cannot = () if links else ((Kind.HOST, Action.REBOOT),)
    silent_s = SILENT_AFTER * drills.HEARTBEAT_S
    bounds = Bounds(most_kills=drills.PLENTY, silent_s=silent_s, impossible=cannot)
    drawn = islice(rounds(drills.SHORT[network], parts, bounds), drills.ROUNDS)
    expected = {way for way in WEIGHTS if links or way[0] is not Kind.LINK} - set(cannot)
    assert {(fault.part.kind, fault.action) for faults in drawn for fault in faults} == expected
