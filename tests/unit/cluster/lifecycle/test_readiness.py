"""When a cluster is ready, and what is said when it is not."""

import os
from pathlib import Path

import pytest

from salt_o2.cluster.lifecycle.readiness import known_hosts, tail, takes_jobs, wait_until_ready
from salt_o2.cluster.paths import Layout
from salt_o2.cluster.processes import Process, start_time
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import O2Error
from tests.support.builders.control_records import host
from tests.support.fakes.control_server import fake_control

READY = "[INFO] Minion is ready to receive requests!\n"
US = Process("flp1", os.getpid(), start_time(os.getpid()) or 0)
GONE = Process("flp1", os.getpid(), 1)


@pytest.fixture
def place(tmp_path):
    place = Layout(tmp_path / "c")
    place.logs.mkdir(parents=True)
    return place


@pytest.fixture
def control(tmp_path):
    (tmp_path / "master").mkdir()
    with fake_control(tmp_path / "master" / "o2_control.ipc") as control:
        yield control


def record_of(tmp_path: Path, process: Process = US) -> Record:
    return Record(0, ("flp1", "flp2"), 3, tmp_path, (process,))


def test_a_cluster_is_ready_when_control_knows_all_minions_and_all_accept_jobs(place, control, tmp_path):
    control.answer("host_list", [host("flp1"), host("flp2")])
    for minion in ("flp1", "flp2"):
        place.log(minion).write_text(READY)
    said = []
    wait_until_ready(place, record_of(tmp_path), 10, said.append)
    assert said == ["flp1 is ready", "flp2 is ready"]


def test_a_minion_that_comes_later_is_waited_for(place, control, tmp_path):
    answers = iter([[], [host("flp1")]])
    control.answer("host_list", lambda _arguments: next(answers, [host("flp1"), host("flp2")]))
    for minion in ("flp1", "flp2"):
        place.log(minion).write_text(READY)
    wait_until_ready(place, record_of(tmp_path), 10, lambda _line: None)
    assert len(control.asked("host_list")) >= 3


@pytest.mark.parametrize("known", [["flp1"], ["flp1", "flp2"]], ids=["unknown to control", "takes no jobs"])
def test_a_daemon_that_does_not_start_is_named_with_the_end_of_its_log(place, control, tmp_path, known):
    control.answer("host_list", [host(name) for name in known])
    place.log("flp1").write_text(READY)
    place.log("flp2").write_text("cannot reach the master\n")
    with pytest.raises(O2Error, match=r"(?s)flp2 not ready after 0\.2 s.*cannot reach the master"):
        wait_until_ready(place, record_of(tmp_path), 0.2, lambda _line: None)


def test_without_control_the_masters_log_is_shown(place, tmp_path):
    place.log("master").write_text("engine o2_control failed\n")
    with pytest.raises(O2Error, match="engine o2_control failed"):
        wait_until_ready(place, record_of(tmp_path), 0.1, lambda _line: None)


def test_a_dead_daemon_ends_the_wait_at_once(place, tmp_path):
    place.output("flp1").write_text("no such user\n")
    with pytest.raises(O2Error, match=r"(?s)flp1 ended while starting.*no such user"):
        wait_until_ready(place, record_of(tmp_path, GONE), 1000, lambda _line: None)


def test_no_minion_is_known_without_an_answer(tmp_path):
    assert known_hosts(tmp_path / "nobody.ipc") == set()


def test_a_minion_without_a_log_takes_no_jobs(place):
    assert not takes_jobs(place, "flp1")


def test_the_tail_has_the_log_and_then_the_terminal(place):
    place.log("flp1").write_text("".join(f"log {number}\n" for number in range(50)))
    place.output("flp1").write_text("Traceback\n")
    assert tail(place, "flp1", lines=2) == "log 48\nlog 49\nTraceback"


def test_the_tail_of_a_daemon_without_output_says_so(place):
    assert "nothing in" in tail(place, "flp1")


def test_a_host_that_is_only_expected_or_does_not_report_is_not_ready(control):
    away = [host(status.lower()) | {"status": status} for status in ("EXPECTED", "SILENT", "LOST")]
    control.answer("host_list", [host("flp1"), *away])
    assert known_hosts(control.path) == {"flp1"}
