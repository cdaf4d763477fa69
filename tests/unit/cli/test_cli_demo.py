"""The demo, on a control that speaks the contract: what it asks, what it shows, and that it cleans up."""

import os
import signal

import pytest

from salt_o2.core.errors import PlanError
from tests.support.builders.control_records import diamond, task

RATE = "rate: 123.4 msg/s total: 4567 missing: 0"


class FakeCluster:
    """A cluster of which only control's socket is real."""

    def __init__(self, socket, stands=False):
        self.socket, self.stands, self.calls = socket, stands, []

    def is_up(self, _directory):
        return self.stands

    def up(self, _directory, minions, say):
        self.calls.append(f"up {minions}")
        return {"control_socket": str(self.socket), "config_dir": "/conf"}

    def down(self, _directory, say):
        self.calls.append("down")


@pytest.fixture
def private(control, monkeypatch):
    cluster = FakeCluster(control.path)
    for name in ("is_up", "up", "down"):
        monkeypatch.setattr(f"salt_o2.cluster.{name}", getattr(cluster, name))
    return cluster


@pytest.fixture
def tour(control, private):
    """A control that takes the whole tour."""
    control.answer("env_create", diamond())
    control.answer("env_show", diamond("RUNNING"))
    control.answer("env_control", diamond("RUNNING"))
    control.answer("env_destroy", diamond("DONE"))
    control.answer("task_log", {"task": "x", "host": "flp1", "stdout": [RATE], "stderr": []})
    return control


def test_the_tour_runs_a_whole_cycle_and_takes_its_cluster_down(tour, private, coconut):
    assert coconut("demo --seconds 0.1").code == 0
    asked = [request["verb"] for request in tour.requests if request["verb"] not in ("env_show", "task_log")]
    assert asked == ["env_create", "env_control", "env_control", "env_control", "env_destroy"]
    events = [arguments["event"] for arguments in tour.asked("env_control")]
    assert events == ["START_ACTIVITY", "STOP_ACTIVITY", "RESET"]
    assert private.calls == ["up 3", "down"]


def test_the_tour_teaches_its_commands(tour, coconut):
    out = coconut("demo --seconds 0.1 --processors 2").out
    commands = [line[2:] for line in out.splitlines() if line.startswith("$ ")]
    assert commands == [
        "coconut cluster up --minions 3",
        "coconut env create -w fairmq-ex-1-n-1 -e processors=2",
        "coconut env show 2oDvieFrVTi -tw",
        "coconut env control 2oDvieFrVTi -e START_ACTIVITY",
        "coconut env show 2oDvieFrVTi -tw",
        "coconut task log id-sink -n 1",
        "coconut env control 2oDvieFrVTi -e STOP_ACTIVITY",
        "coconut env control 2oDvieFrVTi -e RESET",
        "coconut env destroy 2oDvieFrVTi",
        "coconut cluster down",
    ]


def test_the_tour_shows_what_arrives_at_the_sink(tour, coconut):
    out = coconut("demo --seconds 0.1").out
    assert "123.4 messages/s, 4567 in total" in out
    assert "4567 messages reached the sink, 0 are missing" in out
    assert tour.asked("task_log")[0]["id"] == "id-sink"


def test_a_program_gets_one_document(tour, coconut):
    done = coconut("demo --seconds 0.1 --json")
    assert done.json == {"total": 4567, "missing": 0, "per_second": 123.4}


def test_lost_messages_fail_the_demo(tour, coconut):
    lost = RATE.replace("missing: 0", "missing: 5")
    tour.answer("task_log", {"task": "x", "host": "flp1", "stdout": [lost], "stderr": []})
    assert coconut("demo --seconds 0.1").code == 1


def test_a_silent_sink_fails_the_demo(tour, private, coconut, monkeypatch):
    monkeypatch.setattr("salt_o2.cli.demo.FIRST_RATE_S", 0.3)
    tour.answer("task_log", {"task": "x", "host": "flp1", "stdout": [], "stderr": []})
    done = coconut("demo --seconds 0.1")
    assert done.code == 1
    assert "has reported no message" in done.err
    assert private.calls[-1] == "down"


def test_an_environment_in_error_fails_the_demo_and_cleans_up(tour, private, coconut):
    dead = diamond("ERROR", error="sampler died", tasks=[task("sampler", "ERROR")])
    tour.answer("env_create", dead)
    done = coconut("demo")
    assert (done.code, private.calls) == (1, ["up 3", "down"])
    assert "sampler died" in done.err


def test_a_refusal_fails_the_demo_and_cleans_up(tour, private, coconut):
    tour.answer("env_create", PlanError("no host"))
    assert coconut("demo").code == 1
    assert private.calls == ["up 3", "down"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("verb", ["env_create", "env_control", "task_log", "env_destroy"])
def test_an_interrupted_demo_cleans_up(tour, private, coconut, verb, number):
    tour.answer(verb, lambda _arguments: os.kill(os.getpid(), number))
    assert coconut("demo --seconds 0.1").code == 130
    assert private.calls == ["up 3", "down"]


def test_an_interrupted_demo_destroys_its_environment(tour, private, coconut):
    private.stands = True
    tour.answer("task_log", lambda _arguments: os.kill(os.getpid(), signal.SIGINT))
    assert coconut("demo --seconds 0.1").code == 130
    forced = {"id": "2oDvieFrVTi", "allow_in_running_state": True, "force": True}
    assert tour.asked("env_destroy") == [forced]


def test_an_interrupted_start_cleans_up(private, coconut, monkeypatch):
    def interrupted(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("salt_o2.cluster.up", interrupted)
    assert coconut("demo").code == 130
    assert private.calls == ["down"]


def test_a_cluster_that_was_up_stays_up(tour, private, coconut):
    private.stands = True
    assert coconut("demo --seconds 0.1").code == 0
    assert private.calls == ["up 3"]


def test_signals_mean_afterwards_what_they_meant_before(tour, coconut):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    coconut("demo --seconds 0.1")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
