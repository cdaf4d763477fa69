"""What others know of hosts: a hint is looked into, a word is believed, and neither starts anything twice."""

import pytest

from salt_o2.control.storage import host_rows
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.recovery.host_liveness import HostStatus
from tests.support.harness.host_timeline import play, until


async def lost(timeline, *hosts, sure=False):
    return {each["id"]: each for each in await timeline.room.ask("host_lost", hosts=hosts, sure=sure)}


@pytest.mark.parametrize("sure", [False, True], ids=["a hint", "a declaration"])
def test_a_host_that_is_off_is_declared_lost_at_once(tmp_path, sure):
    async def act(timeline):
        environment = await timeline.run()
        await timeline.pass_time(1)
        victim = environment.model.plan.tasks[0].host
        other = next(host for host in timeline.room.hosts.names if host != victim)
        await timeline.pass_time(1, other)
        assert timeline.status(victim) is HostStatus.ACTIVE
        assert (await lost(timeline, victim, sure=sure))[victim]["status"] is HostStatus.LOST
        await until(lambda: {task.host for task in environment.model.plan.tasks} == {other})

    play(tmp_path, act, "flp1", "flp2")


def test_a_hint_about_a_host_whose_tasks_answer_changes_nothing(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(1.5)
        timeline.others.alive = {"10.0.0.1"}
        said = (await lost(timeline, "flp1"))["flp1"]
        assert (said["status"], said["outcome"]) == (
            HostStatus.ACTIVE,
            "a process of its agent answers",
        )

    play(tmp_path, act)


def test_a_hint_about_a_reporting_host_causes_no_probe(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(1, "flp1")
        assert "its agent has reported" in (await lost(timeline, "flp1"))["flp1"]["outcome"]
        assert timeline.others.asked == []

    play(tmp_path, act)


@pytest.mark.parametrize(("alive", "why"), [(True, "answers"), (False, "has reported")])
def test_a_user_cannot_declare_a_host_lost_that_answers(tmp_path, alive, why):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(1, *([] if alive else ["flp1"]))
        await timeline.pass_time(0.75)
        timeline.others.alive = {"10.0.0.1"} if alive else set()
        with pytest.raises(InvalidRequestError, match=why):
            await lost(timeline, "flp1", sure=True)
        assert timeline.status("flp1") is not HostStatus.LOST

    play(tmp_path, act)


def test_isolated_control_accepts_a_declaration_but_no_hint(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(10)
        assert "isolated" in (await lost(timeline, "flp1"))["flp1"]["outcome"]
        assert (await lost(timeline, "flp1", sure=True))["flp1"]["status"] is HostStatus.LOST

    play(tmp_path, act, "flp1", "flp2")


def test_unknown_and_lost_hosts_are_not_declared_lost(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(4)
        said = await lost(timeline, "flp1", "console7")
        assert (said["flp1"]["outcome"], said["flp1"]["status"]) == (
            "it was already LOST",
            HostStatus.LOST,
        )
        assert (said["console7"]["outcome"], said["console7"]["status"]) == (
            "its agent has never reported",
            None,
        )

    play(tmp_path, act)


def test_returned_hosts_are_asked_for_surveys(tmp_path):
    async def act(timeline):
        asked = []
        timeline.control.bus.send = lambda messages: keep(asked, messages)
        (said,) = await timeline.room.ask("host_returned", hosts=("flp1",))
        await until(lambda: asked)
        assert [(type(message).__name__, message.host) for message in asked] == [("SurveyRequest", "flp1")]
        assert said["outcome"] == "control requested a survey of its agent"

    play(tmp_path, act)


async def forget(timeline, *hosts):
    return await timeline.room.ask("host_forget", hosts=hosts)


async def without_tasks(timeline, host):
    """Let time pass until ``host``, which has no tasks, is LOST; the others report."""
    others = [name for name in timeline.room.hosts.names if name != host]
    await timeline.pass_time(10, *others)
    assert timeline.status(host) is HostStatus.LOST


def listed(rows):
    return {row["id"] for row in rows}


def test_a_host_that_is_forgotten_is_in_no_list_and_not_in_the_store(tmp_path):
    async def act(timeline):
        await without_tasks(timeline, "flp2")
        (said,) = await forget(timeline, "flp2")
        assert (said["id"], said["status"], said["outcome"]) == ("flp2", None, "it is forgotten")
        assert listed(await timeline.room.ask("host_list")) == {"flp1"}
        assert set(host_rows.host_entries(timeline.control.store)) == {"flp1"}
        assert timeline.control.inventory.facts_of("flp2") is None
        (told,) = await timeline.room.ask("env_history", id="hosts")
        assert (told["text"], told["cause"]) == ("host flp2 is forgotten", "asked by teo")
        await timeline.pass_time(5, "flp1")
        timeline.room.hosts.survey("flp2")
        await timeline.room.settled()
        assert listed(await timeline.room.ask("host_list")) == {"flp1", "flp2"}, "it reports"

    play(tmp_path, act, "flp1", "flp2")


def test_a_host_that_is_connected_is_not_forgotten(tmp_path):
    async def act(timeline):
        await timeline.pass_time(1, "flp1", "flp2")
        with pytest.raises(InvalidRequestError, match="it is ACTIVE"):
            await forget(timeline, "flp2")
        assert listed(await timeline.room.ask("host_list")) == {"flp1", "flp2"}

    play(tmp_path, act, "flp1", "flp2")


def test_no_host_of_a_request_is_forgotten_if_one_has_tasks_of_an_environment(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        victim = environment.model.plan.tasks[0].host
        (other,) = {"flp1", "flp2", "flp3"} - {task.host for task in environment.model.plan.tasks}
        await without_tasks(timeline, other)
        with pytest.raises(InvalidRequestError, match=f"{environment.model.id} has tasks there"):
            await forget(timeline, other, victim)
        assert other in listed(await timeline.room.ask("host_list"))

    play(tmp_path, act, "flp1", "flp2", "flp3")


def test_a_host_with_tasks_of_the_pool_is_not_forgotten(tmp_path):
    async def act(timeline):
        environment = await timeline.run()
        victim = environment.model.plan.tasks[0].host
        await timeline.room.ask("env_destroy", id=environment.model.id, keep_tasks=True)
        with pytest.raises(InvalidRequestError, match=f"pool clean --host {victim}"):
            await forget(timeline, victim)

    play(tmp_path, act, "flp1", "flp2")


def test_forgetting_an_unknown_host_fails(tmp_path):
    async def act(timeline):
        with pytest.raises(UnknownNameError, match="console7"):
            await forget(timeline, "console7")

    play(tmp_path, act)


def test_a_host_that_only_the_store_knows_is_forgotten(tmp_path):
    async def act(timeline):
        timeline.control.hosts.known.pop("flp2")  # as after a restart of control
        await forget(timeline, "flp2", "flp2")
        assert set(host_rows.host_entries(timeline.control.store)) == {"flp1"}

    play(tmp_path, act, "flp1", "flp2")


async def keep(found, messages):
    found.extend(messages)


def test_when_some_hosts_are_not_lost_each_host_has_its_outcome(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(2, "flp2")
        timeline.others.alive = {"10.0.0.2"}
        said = await lost(timeline, "flp1", "flp2", "console7", sure=True)
        assert {host: row["status"] for host, row in said.items()} == {
            "flp1": HostStatus.LOST,
            "flp2": HostStatus.ACTIVE,
            "console7": None,
        }
        assert "given up" in said["flp1"]["outcome"]
        assert "has reported" in said["flp2"]["outcome"]
        assert "never reported" in said["console7"]["outcome"]

    play(tmp_path, act, "flp1", "flp2")


def test_a_declaration_is_refused_when_none_of_its_hosts_is_lost(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(1, "flp1", "flp2")
        with pytest.raises(InvalidRequestError, match=r"flp1: its agent has .*; flp2: its agent has"):
            await lost(timeline, "flp1", "flp2", sure=True)
        assert {timeline.status("flp1"), timeline.status("flp2")} == {HostStatus.ACTIVE}

    play(tmp_path, act, "flp1", "flp2")


def test_a_defect_at_one_host_hides_no_outcome_of_another(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(2)
        lose = timeline.control.monitor.declare_lost

        def broken(host, reason):
            if host == "flp1":
                raise ValueError("x")
            lose(host, reason)

        timeline.control.monitor.declare_lost = broken
        said = await lost(timeline, "flp1", "flp2", sure=True)
        assert "internal error of control" in said["flp1"]["outcome"]
        assert said["flp2"]["status"] is HostStatus.LOST

    play(tmp_path, act, "flp1", "flp2")


def test_a_host_that_is_named_twice_has_one_outcome(tmp_path):
    async def act(timeline):
        await timeline.run()
        await timeline.pass_time(2)
        assert len(await timeline.room.ask("host_lost", hosts=("flp1", "flp1"), sure=True)) == 1

    play(tmp_path, act, "flp1", "flp2")
