"""Runs that end by themselves, environments that go through one cycle, losses that a role tolerates."""

import os

import pytest

from salt_o2.core.errors import InvalidRequestError, O2Error
from tests.support.clusters.environment_queries import replaced, states, task_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def device(workshop):
    """The name of a workflow with one device."""
    workshop.task("device", "o2-device", "sampler")
    return workshop.workflow("alone", "device")


def test_a_run_with_an_auto_stop_ends_by_itself_after_its_time(workshop, device):
    environment = workshop.create(device, auto_stop_enabled="true", auto_stop_timeout="1s")
    number = workshop.control(environment, "START_ACTIVITY")["run_number"]
    wait_until(lambda: workshop.show(environment)["state"] == "CONFIGURED", "the run has ended")
    run = workshop.cluster.ask("run_show", number=number)
    assert run["duration_s"] >= 1
    assert run["environment"] == environment["id"]
    told = [line["text"] for line in workshop.cluster.ask("env_history", id=environment["id"])]
    assert any("auto-stop" in text for text in told)


def test_an_automatic_environment_goes_through_one_cycle_and_ends(workshop, device):
    made = workshop.cluster.ask(
        "env_create",
        workflow=device,
        auto=True,
        vars={"auto_stop_enabled": "true", "auto_stop_timeout": "1s"},
    )
    assert (made["state"], made["run_number"] > 0) == ("RUNNING", True)
    wait_until(lambda: workshop.cluster.ask("env_list") == [], "the environment has ended itself")
    assert workshop.show(made)["state"] == "DONE"
    assert workshop.cluster.ask("run_show", number=made["run_number"])["ended"]


def test_a_run_ends_when_all_its_basic_tasks_have_ended(workshop, record_of_starts):
    environment = workshop.create(record_of_starts("sleep 1"))
    workshop.control(environment, "START_ACTIVITY")
    wait_until(lambda: workshop.show(environment)["state"] == "CONFIGURED", "the run has ended")
    told = [line["text"] for line in workshop.cluster.ask("env_history", id=environment["id"])]
    assert any("end of data" in text for text in told)
    assert workshop.control(environment, "START_ACTIVITY")["state"] == "RUNNING", "and can begin again"


def test_an_automatic_environment_ends_with_its_data(workshop, record_of_starts):
    made = workshop.cluster.ask("env_create", workflow=record_of_starts("sleep 1"), auto=True)
    wait_until(lambda: workshop.cluster.ask("env_list") == [], "the environment has ended itself")
    assert workshop.show(made)["state"] == "DONE"


@pytest.fixture
def record_of_starts(workshop):
    """Writes a workflow of one basic task that runs a given command during a run."""

    def write(deed):
        workshop.task("doer", deed, mode="basic", command={"shell": True})
        return workshop.workflow("doing", "doer")

    return write


def test_a_wrong_duration_of_the_auto_stop_is_refused_before_anything_starts(workshop, device):
    assert "soon" in workshop.refused(device, auto_stop_enabled="true", auto_stop_timeout="soon")


def test_runs_are_listed_newest_first_with_their_users(workshop, device):
    environment = workshop.create(device)
    numbers = []
    for _ in range(2):
        numbers.append(workshop.control(environment, "START_ACTIVITY")["run_number"])
        workshop.control(environment, "STOP_ACTIVITY")
    newest, before = workshop.cluster.ask("run_list")[:2]
    assert [newest["run_number"], before["run_number"]] == numbers[::-1]
    assert newest["started"] > before["ended"] > before["started"]
    assert all(run["environment"] == environment["id"] and run["user"] for run in (newest, before))
    shown = workshop.cluster.run("coconut", "run", "show", str(numbers[0])).stdout
    assert f"run number:        {numbers[0]}" in shown
    assert environment["id"] in workshop.cluster.run("coconut", "run", "list").stdout
    whole = workshop.cluster.json("salt-run", "o2.run_show", str(numbers[1]))
    assert newest.items() <= whole.items()
    assert whole["start_arguments"]["runNumber"] == str(numbers[1])


def test_a_task_that_was_killed_in_a_run_is_counted_and_its_missing_time_is_in_the_record(workshop, device):
    environment = workshop.create(device)
    running = workshop.control(environment, "START_ACTIVITY")
    (task,) = running["tasks"]
    os.kill(task["pid"], 9)
    wait_until(lambda: workshop.show(environment)["restarts"] == 1, "the restart is counted")
    wait_until(
        lambda: workshop.show(environment)["tasks"][0]["state"] == "RUNNING", "the task is back in the run"
    )
    run = workshop.cluster.run
    assert "signal 9" in run("coconut", "env", "list").stdout
    row = next(line for line in run("coconut", "task", "list").stdout.splitlines() if task["id"] in line)
    assert [cell.strip() for cell in row.split("|")][2::5] == [task["path"], "1"]
    run("coconut", "env", "control", environment["id"], "-e", "STOP")
    (missing,) = workshop.cluster.ask("run_show", number=running["run_number"])["interruptions"]
    assert (missing["path"], missing["how"]) == (task["path"], "restarted")
    assert missing["since"] < missing["until"]
    number = str(running["run_number"])
    shown = run("coconut", "run", "show", number).stdout
    assert f"| {task['path']} |" in shown
    listed = run("coconut", "run", "list", "-n", "1", "--end", "stop").stdout
    assert f"| {number} " in listed
    assert "STOP by " in listed
    assert f"| {number} " not in run("coconut", "run", "list", "--end", "error").stdout


def test_a_task_is_found_killed_and_read_by_the_path_of_its_role_also_after_its_end(workshop, device):
    environment = workshop.create(device)
    (task,) = environment["tasks"]
    run = workshop.cluster.run
    killed = workshop.cluster.json("coconut", "task", "kill", task["path"])
    assert (killed["id"], killed["killed"]) == (task["id"], True)
    wait_until(
        lambda: workshop.show(environment)["tasks"][0]["pid"] not in (None, task["pid"]),
        "it has been restarted",
    )
    assert "restarts:" in run("coconut", "task", "info", task["path"]).stdout
    workshop.destroy(environment)
    info = workshop.cluster.json("coconut", "task", "info", task["id"][:8])
    assert (info["path"], info["environment"]) == (task["path"], environment["id"])
    assert info["ended"]
    assert run("coconut", "task", "log", task["path"], "-n", "5").returncode == 0
    events = run("coconut", "events", "--env", environment["id"]).stdout
    assert f"{environment['id']} is CONFIGURED" in events
    assert f"{task['path']} on {task['host']} is back after" in events


class Workers:
    """Four equal workers of which one may be lost, RUNNING; they can be kept from starting again."""

    def __init__(self, workshop):
        self.workshop = workshop
        self.strike = workshop.folder / "strike"
        command = f"test ! -e {self.strike} && exec o2-device"
        workshop.task("worker", command, "sampler", command={"shell": True})
        worker = {
            "name": "worker{{ it }}",
            "for": {"begin": 0, "end": 3, "var": "it"},
            "task": {"load": "worker"},
        }
        roles = [{"name": "workers", "tolerate": 1, "roles": [worker]}]
        workshop.write("workflows", "farm", roles=roles)
        self.running = workshop.control(workshop.create("farm", recovery="fail"), "START_ACTIVITY")

    def lose(self, *names):
        self.strike.touch()
        for name in names:
            os.kill(task_at(self.running, name)["pid"], 9)

    @property
    def now(self):
        return self.workshop.show(self.running)


@pytest.fixture
def workers(workshop):
    workers = Workers(workshop)
    yield workers
    workers.strike.unlink(missing_ok=True)


def test_a_role_continues_without_the_number_of_tasks_that_it_tolerates(workshop, workers):
    workers.lose("worker2")
    wait_until(lambda: workers.now["lost"] == 1, "the loss is known")
    after, before = workers.now, workers.running
    assert (after["state"], after["run_number"]) == ("RUNNING", before["run_number"])
    assert task_at(after, "worker2")["lost"]
    others = [task for task in after["tasks"] if not task["path"].endswith("worker2")]
    assert {task["state"] for task in others} == {"RUNNING"}
    assert replaced(before, after) <= {"workers.worker2"}
    shown = workshop.cluster.run("coconut", "env", "show", before["id"], "-tw").stdout
    assert "farm.workers.worker2 is lost: " in shown
    assert workshop.control(before, "STOP_ACTIVITY")["state"] == "CONFIGURED"


def test_a_loss_beyond_the_tolerated_number_leads_to_error_and_recover_restarts_failed_tasks(
    workshop, workers
):
    workers.lose("worker1", "worker2")
    wait_until(lambda: workers.now["state"] == "ERROR", "the environment is in ERROR")
    assert "farm.workers.worker" in workers.now["error"]
    workers.strike.unlink()
    recovered = workshop.control(workers.running, "RECOVER")
    assert (recovered["state"], recovered["lost"]) == ("CONFIGURED", 0)
    assert set(states(recovered).values()) == {"CONFIGURED"}
    assert replaced(workers.running, recovered) == {"workers.worker1", "workers.worker2"}
    assert workshop.control(workers.running, "START_ACTIVITY")["state"] == "RUNNING"


@pytest.fixture
def detectors(workshop):
    """The name of a workflow with two detectors, each one task."""
    workshop.task("device", "o2-device", "sampler")
    roles = [
        {"name": name.lower(), "vars": {"detector": name}, "task": {"load": "device"}}
        for name in ("TPC", "ITS")
    ]
    return workshop.write("workflows", "detectors", roles=roles)


def test_the_record_of_a_run_says_that_a_detector_crashed_was_excluded_and_was_included(workshop, detectors):
    running = workshop.control(workshop.create(detectors, recovery="ignore"), "START_ACTIVITY")
    os.kill(task_at(running, "tpc")["pid"], 9)
    wait_until(lambda: workshop.show(running)["lost"] == 1, "the loss is known")
    run = workshop.cluster.run
    # The exclusion holds, and its answer reports that the dead process did not reach STANDBY.
    run("coconut", "env", "modify", running["id"], "--exclude", "TPC", "-r", "high voltage trip")
    assert "-TPC" in run("coconut", "env", "list").stdout
    row = next(line for line in run("coconut", "task", "list").stdout.splitlines() if ".tpc |" in line)
    assert ", excluded" in row
    run("coconut", "env", "modify", running["id"], "--include", "TPC")
    run("coconut", "env", "control", running["id"], "-e", "STOP")
    shown = workshop.cluster.json("coconut", "run", "show", str(running["run_number"]))
    crash, exclusion = shown["interruptions"]
    assert "signal 9" in crash["reason"]
    assert (crash["how"], crash["until"]) == ("excluded", exclusion["since"])
    assert exclusion["reason"].endswith("high voltage trip")
    assert (exclusion["how"], exclusion["excluded"]) == ("included", True)
    assert (shown["end_cause"], shown["not_back"], bool(shown["ended_by"])) == ("requested", 0, True)


def test_a_detector_takes_part_in_one_environment_at_a_time(workshop, detectors):
    first = workshop.create(detectors)
    with pytest.raises(InvalidRequestError) as refused:
        workshop.create(detectors)
    for fact in ("TPC", "ITS", first["id"]):
        assert fact in str(refused.value)
    ask = workshop.cluster.ask
    ask("env_modify", id=first["id"], exclude=["TPC"])
    with pytest.raises(InvalidRequestError, match="ITS"):
        workshop.create(detectors)
    second = ask("env_create", workflow=detectors, exclude=["ITS"])
    assert second["state"] == "CONFIGURED"
    with pytest.raises(InvalidRequestError, match="TPC"):
        ask("env_modify", id=first["id"], include=["TPC"])
    ask("env_destroy", id=second["id"])
    assert states(ask("env_modify", id=first["id"], include=["TPC"]))["tpc"] == "CONFIGURED"


def test_of_two_creations_at_once_one_gets_the_detectors(workshop, detectors):
    from concurrent.futures import ThreadPoolExecutor

    def create(_):
        try:
            return workshop.create(detectors)
        except O2Error as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(create, range(2)))
    refused = [result for result in results if isinstance(result, InvalidRequestError)]
    assert len(refused) == 1, results
    assert [env["state"] for env in workshop.cluster.ask("env_list")] == ["CONFIGURED"]


def test_two_creations_at_once_get_different_ports_and_neither_waits_for_the_other(workshop):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: workshop.create("fairmq-ex-1-n-1", processors=1), range(2))
    ports = [task["control_port"] for env in (one, other) for task in env["tasks"]]
    assert len(set(ports)) == len(ports)
    assert {one["state"], other["state"]} == {"CONFIGURED"}


def test_a_request_during_a_transition_is_refused_with_the_user_of_the_transition(workshop):
    from concurrent.futures import ThreadPoolExecutor

    workshop.task("slow", "sleep 1", mode="basic", command={"shell": True})
    hook = {"name": "slow", "task": {"load": "slow", "trigger": "before_START_ACTIVITY"}}
    workshop.task("device", "o2-device", "sampler")
    workshop.write("workflows", "slowly", roles=[{"name": "device", "task": {"load": "device"}}, hook])
    environment = workshop.create("slowly")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(workshop.control, environment, "START_ACTIVITY")
        wait_until(lambda: workshop.show(environment)["transition"], "the transition is under way")
        with pytest.raises(InvalidRequestError, match="START_ACTIVITY, requested by"):
            workshop.control(environment, "RESET")
        with pytest.raises(InvalidRequestError, match="START_ACTIVITY, requested by"):
            workshop.cluster.ask("env_modify", id=environment["id"], vars={"x": "1"})
        assert first.result()["state"] == "RUNNING"
