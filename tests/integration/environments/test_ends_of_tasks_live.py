"""Ends of tasks on a cluster: the grace of a template, kills in the history, a task file that was damaged."""

import os
import signal
from pathlib import Path

import pytest

from salt_o2.cluster.faults.components import agent_pid
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import start_time
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"
SLOW = "trap 'sleep 1.2; echo closed; exit 0' TERM; while :; do sleep 0.1; done"


def ended_with(workshop, name, script, grace):
    """Run a basic task of this script, end its environment, and return the lines of the history."""
    workshop.task(name, script, mode="basic", command={"shell": True, "grace": grace, "stdout": "stdout"})
    environment = workshop.create(workshop.workflow(f"of-{name}", name))
    workshop.control(environment, "START_ACTIVITY")
    workshop.destroy(environment)
    lines = workshop.cluster.ask("env_history", id=environment["id"])
    return [line["text"] for line in lines if line["kind"] == "AnnounceKilled"]


def test_the_history_names_a_killed_task_and_no_task_that_ended_in_its_grace(workshop):
    (told,) = ended_with(workshop, "stubborn", STUBBORN, 0.3)
    assert "role0 on flp" in told
    assert told.endswith("did not stop in time and was killed (SIGKILL)")
    assert ended_with(workshop, "slow", SLOW, 30) == []


@pytest.mark.parametrize(
    "lost", [["task.json"], ["task.json", "task.json.last"]], ids=["file", "file-and-copy"]
)
def test_a_task_whose_file_is_damaged_ends_with_its_environment(workshop, lost):
    """With the last good copy it runs on; without, its process is ended and the role gets another one."""
    directory = workshop.cluster.directory
    workshop.task("lasting", "exec sleep 1000", mode="basic", command={"shell": True})
    workflow = workshop.workflow("of-lasting", "lasting", defaults={"recovery": "restart"})
    environment = workshop.control(workshop.create(workflow), "START_ACTIVITY")
    (task,) = environment["tasks"]
    before = agent_pid(directory, task["host"])
    supervisor = int(Path(f"/proc/{before}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGSTOP)  # the next agent starts when the file is damaged
    try:
        os.kill(before, signal.SIGKILL)
        for name in lost:
            (layout(directory).agent(task["host"]) / "tasks" / task["id"] / name).write_bytes(b'{"task": "')
    finally:
        os.kill(supervisor, signal.SIGCONT)
    wait_until(lambda: agent_pid(directory, task["host"]) not in (None, before), "there is another agent", 60)
    if len(lost) > 1:
        wait_until(lambda: start_time(task["pid"]) is None, "the process without a record is ended", 60)

    def runs():
        (now,) = workshop.show(environment)["tasks"]
        is_same = now["pid"] == task["pid"]
        return (
            now["pid"]
            and start_time(now["pid"])
            and is_same is (len(lost) == 1)
            and now["state"] == "RUNNING"
        )

    wait_until(runs, "the task runs", 60)
    workshop.destroy(environment)
    assert workshop.processes() == set()
