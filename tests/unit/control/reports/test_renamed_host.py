"""A machine that reports under another minion id: its tasks are taken over, and nothing is started twice."""

from dataclasses import replace

import pytest

from salt_o2.control.storage import host_rows
from salt_o2.core.messages.inputs import Tick
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.states import TaskState
from tests.support.harness.host_timeline import play, until

SAME = HostFacts(address="10.0.0.1", network="n1", cpus=64, memory_mb=64_000, directory_key="k1")
THIEF = replace(SAME, directory_key="guessed")
"""All that a process on the machine can learn, without the secret of the agent's directory."""
OTHER = replace(SAME, address="10.0.0.77", network="n77")


def tasks_on(environment, host):
    known = environment.model.tasks.reports
    return tuple(known[task.id] for task in environment.model.tasks.on_host(host) if task.id in known)


def report_as(story, name, facts, tasks):
    """Let an agent under ``name`` send its first survey, and obey from now on."""
    hosts = story.room.hosts
    hosts.names = (*hosts.names, name)
    hosts.sequence[name] = 1
    hosts.heard(Report(host=name, incarnation="1", sequence=1, tasks=tasks, facts=facts))


async def running(story):
    environment = await story.run()
    await story.room.ask("env_control", id=environment.model.id, event="START_ACTIVITY")
    assert environment.model.tasks.hosts == ("flp1",)
    return environment


async def silence(story, heartbeats=6, *heard):
    """Let ``flp1`` say nothing; its tasks answer at their ports, so that it is not given up."""
    story.others.alive = {"10.0.0.1"}
    await story.pass_time(heartbeats, *heard)


def launches(story, since=0):
    return [
        order.task
        for command in story.room.hosts.commands[since:]
        for order in command.orders
        if order.launch and command.goal is TaskState.RUNNING
    ]


@pytest.mark.parametrize("first", ["the old name is silent", "the new name reports"])
def test_tasks_of_a_renamed_machine_go_on_under_its_new_name(tmp_path, first):
    async def act(story):
        environment = await running(story)
        tasks, before = tasks_on(environment, "flp1"), len(story.room.hosts.commands)
        if first == "the old name is silent":
            await silence(story)
            assert story.status("flp1") in (HostStatus.SILENT, HostStatus.LOST)
            report_as(story, "flp9", SAME, tasks)
            await story.room.settled()
        else:
            report_as(story, "flp9", SAME, tasks)
            await story.room.settled()
            assert environment.model.tasks.hosts == ("flp1",), "the agent under the old name may still report"
            await silence(story, 6, "flp9")
        assert environment.model.tasks.hosts == ("flp9",)
        assert (environment.model.state, environment.model.tasks.lost) == ("RUNNING", {})
        assert launches(story, before) == []
        assert {row["id"] for row in await story.room.ask("host_list")} == {"flp9"}
        shown = await story.room.ask("env_show", id=environment.model.id)
        assert {task["id"] for task in shown["tasks"]} == {about.task for about in tasks}
        await until(lambda: ("flp9", HostStatus.ACTIVE) in story.told)
        told = [line["text"] for line in await story.room.ask("env_history", id=environment.model.id)]
        assert "the machine of flp1 reports as flp9: its tasks are known there" in told
        assert (await story.room.ask("env_history", id="hosts"))[-1]["kind"] == "HostRenamed"
        stopped = await story.room.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        assert stopped["state"] == "CONFIGURED", "it obeys under its new name"
        await story.room.ask("env_destroy", id=environment.model.id)
        assert story.control.inventory.tasks_of(environment.model.id) == []

    play(tmp_path, act)


def test_a_restart_of_control_knows_the_new_name(tmp_path):
    async def act(story):
        environment = await running(story)
        await silence(story)
        report_as(story, "flp9", SAME, tasks_on(environment, "flp1"))
        await story.room.settled()
        kept = story.control.store.find(environment.model.id)
        again = snapshot.restore(kept.id, kept.plan, kept.snapshot)
        assert again.model.tasks.hosts == ("flp9",)
        assert set(host_rows.host_entries(story.control.store)) == {"flp9"}
        replayed = await story.room.ask("env_replay", id=environment.model.id)
        assert replayed["hosts"] == ["flp9"]

    play(tmp_path, act)


def test_a_machine_with_the_tasks_of_one_that_reports_changes_nothing(tmp_path):
    async def act(story):
        environment = await running(story)
        report_as(story, "flp9", SAME, tasks_on(environment, "flp1"))
        await story.pass_time(6, "flp1", "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert environment.model.state == "RUNNING"

    play(tmp_path, act)


def test_another_machine_does_not_get_tasks_by_naming_them(tmp_path):
    async def act(story):
        environment = await running(story)
        await silence(story)
        report_as(story, "flp9", OTHER, tasks_on(environment, "flp1"))
        await story.pass_time(3, "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert not [c for c in story.room.hosts.commands if c.host == "flp9"], "nor is it ordered anything"

    play(tmp_path, act)


@pytest.mark.finding("X6")
def test_a_minion_that_does_not_know_the_secret_of_the_directory_takes_no_tasks_over(tmp_path):
    async def act(story):
        environment = await running(story)
        await silence(story)
        report_as(story, "flp9", THIEF, tasks_on(environment, "flp1"))
        await story.pass_time(3, "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert not [c for c in story.room.hosts.commands if c.host == "flp9"], "nor is it ordered anything"

    play(tmp_path, act)


def test_a_machine_whose_programs_answer_at_no_port_is_not_given_up_under_its_old_name(tmp_path):
    async def act(story):
        environment = await running(story)
        before = len(story.room.hosts.commands)
        report_as(story, "flp9", SAME, tasks_on(environment, "flp1"))
        await story.pass_time(6, "flp9")  # nothing answers for flp1, so that it would be LOST
        assert environment.model.tasks.hosts == ("flp9",)
        assert (environment.model.tasks.lost, launches(story, before)) == ({}, [])

    play(tmp_path, act)


def test_what_ended_while_the_machine_got_its_name_is_repaired_there(tmp_path):
    async def act(story):
        environment = await running(story)
        first, *others = tasks_on(environment, "flp1")
        await silence(story)
        report_as(story, "flp9", SAME, tuple(others))
        await story.room.settled()
        await story.pass_time(1, "flp9")
        story.control.executor.step(story.control.active[environment.model.id], tick(story))
        await until(lambda: launches(story))
        assert [c.host for c in story.room.hosts.commands if first.task in {o.task for o in c.orders}][
            -1
        ] == "flp9"

    play(tmp_path, act)


def tick(story):
    return Tick(at=story.clock.at)


def test_tasks_of_the_pool_are_taken_over_too(tmp_path):
    async def act(story):
        environment = await story.run()
        tasks = tasks_on(environment, "flp1")
        await story.room.ask("env_destroy", id=environment.model.id, keep_tasks=True)
        tasks = tuple(story.control.pool.pool.reports[about.task] for about in tasks)
        await silence(story)
        report_as(story, "flp9", SAME, tasks)
        await story.room.settled()
        rows = (await story.room.ask("pool_list"))["pooled"]
        assert [row["host"] for row in rows] == ["flp9", "flp9"]
        await story.room.ask("pool_clean", all=True)
        assert (await story.room.ask("pool_list"))["pooled"] == []

    play(tmp_path, act)
