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


def report_as(timeline, name, facts, tasks):
    """Let an agent under ``name`` send its first survey, and obey from now on."""
    hosts = timeline.room.hosts
    hosts.names = (*hosts.names, name)
    hosts.sequence[name] = 1
    hosts.heard(Report(host=name, incarnation="1", sequence=1, tasks=tasks, facts=facts))


async def running(timeline):
    environment = await timeline.run()
    await timeline.room.ask("env_control", id=environment.model.id, event="START_ACTIVITY")
    assert environment.model.tasks.hosts == ("flp1",)
    return environment


async def silence(timeline, heartbeats=6, *heard):
    """Let ``flp1`` say nothing; its tasks answer at their ports, so that it is not given up."""
    timeline.others.alive = {"10.0.0.1"}
    await timeline.pass_time(heartbeats, *heard)


def launches(timeline, since=0):
    return [
        order.task
        for command in timeline.room.hosts.commands[since:]
        for order in command.orders
        if order.launch and command.goal is TaskState.RUNNING
    ]


@pytest.mark.parametrize("first", ["the old name is silent", "the new name reports"])
def test_tasks_of_a_renamed_machine_continue_under_its_new_name(tmp_path, first):
    async def act(timeline):
        environment = await running(timeline)
        tasks, before = tasks_on(environment, "flp1"), len(timeline.room.hosts.commands)
        if first == "the old name is silent":
            await silence(timeline)
            assert timeline.status("flp1") in (HostStatus.SILENT, HostStatus.LOST)
            report_as(timeline, "flp9", SAME, tasks)
            await timeline.room.settled()
        else:
            report_as(timeline, "flp9", SAME, tasks)
            await timeline.room.settled()
            assert environment.model.tasks.hosts == ("flp1",), "the agent under the old name may still report"
            await silence(timeline, 6, "flp9")
        assert environment.model.tasks.hosts == ("flp9",)
        assert (environment.model.state, environment.model.tasks.lost) == ("RUNNING", {})
        assert launches(timeline, before) == []
        assert {row["id"] for row in await timeline.room.ask("host_list")} == {"flp9"}
        shown = await timeline.room.ask("env_show", id=environment.model.id)
        assert {task["id"] for task in shown["tasks"]} == {about.task for about in tasks}
        await until(lambda: ("flp9", HostStatus.ACTIVE) in timeline.told)
        told = [line["text"] for line in await timeline.room.ask("env_history", id=environment.model.id)]
        assert "the machine of flp1 reports as flp9: its tasks are known there" in told
        assert (await timeline.room.ask("env_history", id="hosts"))[-1]["kind"] == "HostRenamed"
        stopped = await timeline.room.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        assert stopped["state"] == "CONFIGURED", "it obeys under its new name"
        await timeline.room.ask("env_destroy", id=environment.model.id)
        assert timeline.control.inventory.tasks_of(environment.model.id) == []

    play(tmp_path, act)


def test_a_restart_of_control_knows_the_new_name(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        await silence(timeline)
        report_as(timeline, "flp9", SAME, tasks_on(environment, "flp1"))
        await timeline.room.settled()
        kept = timeline.control.store.find(environment.model.id)
        again = snapshot.restore(kept.id, kept.plan, kept.snapshot)
        assert again.model.tasks.hosts == ("flp9",)
        assert set(host_rows.host_entries(timeline.control.store)) == {"flp9"}
        replayed = await timeline.room.ask("env_replay", id=environment.model.id)
        assert replayed["hosts"] == ["flp9"]

    play(tmp_path, act)


def test_a_machine_with_the_tasks_of_one_that_reports_changes_nothing(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        report_as(timeline, "flp9", SAME, tasks_on(environment, "flp1"))
        await timeline.pass_time(6, "flp1", "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert environment.model.state == "RUNNING"

    play(tmp_path, act)


def test_another_machine_does_not_get_tasks_by_naming_them(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        await silence(timeline)
        report_as(timeline, "flp9", OTHER, tasks_on(environment, "flp1"))
        await timeline.pass_time(3, "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert not [c for c in timeline.room.hosts.commands if c.host == "flp9"], "nor is it ordered anything"

    play(tmp_path, act)


@pytest.mark.finding("X6")
def test_a_minion_without_the_secret_of_the_directory_takes_over_no_tasks(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        await silence(timeline)
        report_as(timeline, "flp9", THIEF, tasks_on(environment, "flp1"))
        await timeline.pass_time(3, "flp9")
        assert environment.model.tasks.hosts == ("flp1",)
        assert not [c for c in timeline.room.hosts.commands if c.host == "flp9"], "nor is it ordered anything"

    play(tmp_path, act)


def test_a_machine_whose_programs_have_no_port_is_not_lost_under_its_old_name(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        before = len(timeline.room.hosts.commands)
        report_as(timeline, "flp9", SAME, tasks_on(environment, "flp1"))
        await timeline.pass_time(6, "flp9")  # nothing answers for flp1, so that it would be LOST
        assert environment.model.tasks.hosts == ("flp9",)
        assert (environment.model.tasks.lost, launches(timeline, before)) == ({}, [])

    play(tmp_path, act)


def test_a_task_that_ended_while_its_machine_was_renamed_is_restarted_there(tmp_path):
    async def act(timeline):
        environment = await running(timeline)
        first, *others = tasks_on(environment, "flp1")
        await silence(timeline)
        report_as(timeline, "flp9", SAME, tuple(others))
        await timeline.room.settled()
        await timeline.pass_time(1, "flp9")
        timeline.control.executor.step(timeline.control.active[environment.model.id], tick(timeline))
        await until(lambda: launches(timeline))
        assert [c.host for c in timeline.room.hosts.commands if first.task in {o.task for o in c.orders}][
            -1
        ] == "flp9"

    play(tmp_path, act)


def tick(timeline):
    return Tick(at=timeline.clock.at)


def test_tasks_of_the_pool_are_taken_over_too(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        tasks = tasks_on(environment, "flp1")
        await timeline.room.ask("env_destroy", id=environment.model.id, keep_tasks=True)
        tasks = tuple(timeline.control.pool.pool.reports[about.task] for about in tasks)
        await silence(timeline)
        report_as(timeline, "flp9", SAME, tasks)
        await timeline.room.settled()
        rows = (await timeline.room.ask("pool_list"))["pooled"]
        assert [row["host"] for row in rows] == ["flp9", "flp9"]
        await timeline.room.ask("pool_clean", all=True)
        assert (await timeline.room.ask("pool_list"))["pooled"] == []

    play(tmp_path, act)
