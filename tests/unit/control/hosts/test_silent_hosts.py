"""Control watches its hosts: whom it asks when an agent is away, and whom it tells what came of it."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.control.hosts.host_probe import FEW
from salt_o2.control.hosts.host_table import RETURN_S
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.recovery.host_liveness import HostStatus
from tests.support.builders.repositories import repository
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.fakes.probe import FakeProbe
from tests.support.harness.control import control_harness
from tests.support.harness.host_timeline import HEARTBEAT_S, HostTimeline, play, until


def test_no_host_is_probed_while_all_report(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(5, "flp1", "flp2")
        assert (timeline.others.asked, timeline.told) == ([], [])

    play(tmp_path, act, "flp1", "flp2")


def test_tasks_of_a_silent_host_stay_and_the_host_gets_no_new_tasks(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        timeline.others.alive = {"10.0.0.1", "10.0.0.2"}
        await timeline.pass_time(10)
        assert timeline.status("flp1") is HostStatus.SILENT
        assert timeline.control.inventory.hosts == {}
        assert environment.model.tasks.silent.keys() == {task.host for task in environment.model.plan.tasks}
        assert environment.model.tasks.unreachable == set()
        assert environment.model.error == ""

    play(tmp_path, act, "flp1", "flp2")


def test_silence_and_return_of_a_host_are_announced_once_each(tmp_path):
    async def act(timeline):
        await timeline.run()
        timeline.others.alive = {"10.0.0.1"}
        await timeline.pass_time(10)
        timeline.room.hosts.survey("flp1")
        await until(lambda: len(timeline.told) > 1)
        assert timeline.told == [("flp1", "SILENT"), ("flp1", "ACTIVE")]
        assert list(timeline.control.inventory.hosts) == ["flp1"]

    play(tmp_path, act)


def test_tasks_of_a_host_that_does_not_answer_are_rescheduled(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        (victim,) = {task.host for task in environment.model.plan.tasks[:1]}
        other = next(host for host in timeline.room.hosts.names if host != victim)
        await timeline.pass_time(4, other)
        await until(lambda: {task.host for task in environment.model.plan.tasks} == {other})
        assert timeline.told == [(victim, "LOST")]

    play(tmp_path, act, "flp1", "flp2")


def test_isolated_control_declares_no_host_of_a_running_environment_lost(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        await timeline.pass_time(20)
        assert {timeline.status(host) for host in ("flp1", "flp2")} == {HostStatus.SILENT}
        assert "isolated" in environment.model.tasks.silent["flp1"]
        assert (environment.model.error, environment.model.tasks.lost) == ("", {})

    play(tmp_path, act, "flp1", "flp2")


def test_the_first_returning_host_gives_the_others_time(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(20)
        await timeline.pass_time(RETURN_S / HEARTBEAT_S, "flp1")
        assert (timeline.status("flp1"), timeline.status("flp2")) == (HostStatus.ACTIVE, HostStatus.SILENT)
        await timeline.pass_time(4, "flp1")
        assert timeline.status("flp2") is HostStatus.LOST

    play(tmp_path, act, "flp1", "flp2")


def test_a_host_without_tasks_is_lost_without_a_question(tmp_path):
    async def act(timeline):
        await timeline.pass_time(4)
        await until(lambda: timeline.told)
        assert (timeline.others.asked, timeline.told) == ([], [("flp1", "LOST")])

    play(tmp_path, act)


def test_four_probes_of_a_host_reach_all_ports_of_all_tasks(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        timeline.others.alive = {"nowhere"}
        await timeline.pass_time(2.5)
        asked = [ports for _, ports in timeline.others.asked]
        assert {len(ports) for ports in asked} == {FEW + 2}
        all_ports = {port for task in environment.model.plan.tasks for port in task.ports}
        assert set().union(*asked) == all_ports

    play(tmp_path, act, copies=4 * FEW + 8)


@pytest.mark.parametrize(
    ("up", "networks", "found"),
    [
        ({"10.0.0.1"}, "own", HostStatus.SILENT),
        (set(), "own", HostStatus.LOST),
        ({"10.0.0.1"}, "shared", HostStatus.LOST),
    ],
    ids=["its kernel answers", "nothing answers", "a kernel that it shares answers"],
)
def test_the_kernel_of_a_host_without_task_ports_is_probed_if_the_address_is_its_own(
    tmp_path, up, networks, found
):
    async def act(timeline):
        await timeline.run()
        (held,) = timeline.control.active.values()
        members = held.environment.model.tasks
        portless = [replace(task, ports=()) for task in members.plan.tasks]
        members.install_plan(replace(members.plan, tasks=tuple(portless)), {})
        if networks == "shared":
            facts = timeline.control.inventory.facts_of("flp1")
            timeline.room.hosts.sequence["flp2"] = 0
            timeline.room.hosts.report("flp2", facts=replace(facts, address="10.0.0.2"))
        timeline.others.up = up
        await timeline.pass_time(4, *(["flp2"] if networks == "shared" else []))
        assert timeline.status("flp1") is found

    play(tmp_path, act)


def test_a_host_that_was_lost_while_control_was_down_is_missed_after_some_time(tmp_path):
    async def live():
        repository(tmp_path)
        clock, probe = FakeClock(), FakeProbe()
        async with control_harness(tmp_path, "flp1", clock=clock, probe=probe) as room:
            await HostTimeline(room, clock, probe).run()
        async with control_harness(tmp_path, "flp2", clock=clock, probe=probe) as room:
            timeline = HostTimeline(room, clock, probe)
            assert timeline.status("flp1") is HostStatus.EXPECTED
            await timeline.pass_time(RETURN_S / HEARTBEAT_S, "flp2")
            assert timeline.status("flp1") is HostStatus.EXPECTED
            await timeline.pass_time(3, "flp2")
            (held,) = timeline.control.active.values()
            await until(lambda: {task.host for task in held.environment.model.plan.tasks} == {"flp2"})
            await until(lambda: held.environment.model.active is None)
            assert timeline.others.asked[0][0] == "10.0.0.1"
            assert timeline.told == [("flp1", "LOST")]
            assert held.environment.model.state == "CONFIGURED"

    asyncio.run(live())


def test_the_return_of_a_host_after_a_restart_of_control_is_not_announced(tmp_path):
    async def live():
        repository(tmp_path)
        clock, probe, hosts = FakeClock(), FakeProbe(), FakeHostsWithRecords("flp1")
        async with control_harness(tmp_path, bus=hosts, clock=clock, probe=probe) as room:
            await HostTimeline(room, clock, probe).run()
        async with control_harness(tmp_path, bus=hosts, clock=clock, probe=probe) as room:
            timeline = HostTimeline(room, clock, probe)
            assert (timeline.status("flp1"), timeline.told) == (HostStatus.ACTIVE, [])

    asyncio.run(live())


def test_a_copy_of_a_minion_that_reports_first_to_a_restarted_control_gets_no_order(tmp_path):
    async def live():
        repository(tmp_path)
        hosts = FakeHostsWithRecords("flp1")
        async with control_harness(tmp_path, bus=hosts) as room:
            await room.ask("env_create", workflow="farm")
        hosts.names = ()
        async with control_harness(tmp_path, bus=hosts) as room:
            ordered = len(hosts.commands)
            facts = HostFacts(address="10.0.0.99", network="n1", cpus=64, memory_mb=64_000)
            room.take(Report(host="flp1", incarnation="copy", sequence=1, facts=facts))
            await asyncio.sleep(0)
            assert room.control.hosts.kept_incarnation("flp1") == ""
            hosts.names = ("flp1",)
            hosts.survey("flp1")
            assert room.control.hosts.kept_incarnation("flp1") == "1"
            await asyncio.sleep(0)
            (target,) = room.control.active.values()
            assert {about.status for about in target.environment.model.tasks.reports.values()} == {"ACTIVE"}
            assert hosts.commands[ordered:] == []

    asyncio.run(live())
