"""No state is shown without its age, and none that is too old by its name."""

import asyncio

import pytest

from salt_o2.control.views import environment_view
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.recovery.host_liveness import SILENT_AFTER, HostStatus
from salt_o2.presentation import environments, staleness, tasks
from tests.support.builders.control_records import role, summary, task
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

HEARTBEAT_S = 4.0
BOUND_S = SILENT_AFTER * HEARTBEAT_S
START = 1_000_000.0


def shown(folder, *after, verb="env_show", presence=None):
    """What a user is shown after each of ``after`` seconds without a word from flp1; flp2 goes on."""
    clock = [START]

    async def live():
        repository(folder, copies=4)
        async with control_harness(folder, "flp1", "flp2", clock=lambda: clock[0]) as room:
            room.control.hosts.heartbeat_s = HEARTBEAT_S
            made = await room.ask("env_create", workflow="farm")
            found = []
            for seconds in after:
                clock[0] = START + seconds
                room.hosts.heartbeat("flp2")
                await room.settled()
                if presence:
                    room.control.hosts.known["flp1"].liveness.presence = presence
                found.append(await room.ask(verb, **({"id": made["id"]} if verb == "env_show" else {})))
            return found

    return asyncio.run(live())


def test_an_environment_is_looked_through_once_for_one_view(tmp_path, monkeypatch):
    looked = []
    for owner, name in ((StalenessView, "_unknown"), (environment_view, "environment_summary")):
        real = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *given, real=real, name=name: looked.append(name) or real(*given)
        )

    async def live():
        async with control_harness(repository(tmp_path), "flp1") as room:
            made = await room.ask("env_create", workflow="farm")
            looked.clear()
            await room.ask("env_show", id=made["id"])

    asyncio.run(live())
    assert sorted(looked) == ["_unknown", "environment_summary"]


def on(host, env):
    return [each for each in env["tasks"] if each["host"] == host]


def test_each_state_has_its_time_of_confirmation_and_its_age(tmp_path):
    (env,) = shown(tmp_path, 3.0)
    assert {each["age_s"] for each in on("flp1", env)} == {3.0}
    assert {each["age_s"] for each in on("flp2", env)} == {0.0}
    assert {each["seen"] for each in on("flp1", env)} == {"1970-01-12T13:46:40.000+00:00"}


def test_a_state_is_shown_up_to_the_age_limit_and_is_unknown_beyond(tmp_path):
    before, after = shown(tmp_path, BOUND_S, BOUND_S + 1)
    assert {each["state"] for each in before["tasks"]} == {"CONFIGURED"}
    assert {each["state"] for each in on("flp1", after)} == {"UNKNOWN"}
    assert {each["last_state"] for each in on("flp1", after)} == {"CONFIGURED"}
    assert {each["state"] for each in on("flp2", after)} == {"CONFIGURED"}


def test_an_environment_counts_the_unknown_tasks_behind_its_state(tmp_path):
    before, after = shown(tmp_path, BOUND_S, BOUND_S + 1)
    assert (before["unknown"], before["unconfirmed"]) == (0, {})
    assert (after["state"], after["unknown"]) == ("CONFIGURED", len(on("flp1", after)))
    assert list(after["unconfirmed"]) == ["flp1"]
    assert "last known 11 s ago" in after["unconfirmed"]["flp1"]


def test_roles_count_the_unknown_tasks_below_them(tmp_path):
    (env,) = shown(tmp_path, BOUND_S + 1)
    root = env["roles"]
    unknown = [each for each in root["roles"] if each["state"] == "UNKNOWN"]
    assert (root["state"], root["unknown"]) == ("CONFIGURED", len(unknown))
    assert len(unknown) == len(on("flp1", env))


@pytest.mark.parametrize(
    ("presence", "words"),
    [
        (HostStatus.ACTIVE, "a report of its agent is missing"),
        (HostStatus.SILENT, "its processes answer"),
        (HostStatus.LOST, "it is lost"),
    ],
)
def test_an_unknown_state_has_its_reason(tmp_path, presence, words):
    (env,) = shown(tmp_path, BOUND_S + 1, presence=presence)
    assert words in env["unconfirmed"]["flp1"]


def test_lists_show_the_same_staleness(tmp_path):
    (tasks,) = shown(tmp_path, BOUND_S + 1, verb="task_list")
    assert {each["state"] for each in tasks if each["host"] == "flp1"} == {"UNKNOWN"}
    (envs,) = shown(tmp_path / "again", BOUND_S + 1, verb="env_list")
    assert envs[0]["unknown"] > 0
    (hosts,) = shown(tmp_path / "once more", BOUND_S + 1, verb="host_list")
    assert [(each["id"], each["last_seen_s"]) for each in hosts] == [("flp1", BOUND_S + 1), ("flp2", 0.0)]


def test_after_a_restart_of_control_states_are_unknown_until_agents_report(tmp_path):
    async def live():
        repository(tmp_path)
        async with control_harness(tmp_path, "flp1") as room:
            made = await room.ask("env_create", workflow="farm")
        async with control_harness(tmp_path, "flp2") as room:
            return await room.ask("env_show", id=made["id"])

    env = asyncio.run(live())
    assert {(each["state"], each["seen"], each["age_s"]) for each in env["tasks"]} == {
        ("UNKNOWN", None, None)
    }
    assert "since control was started" in env["unconfirmed"]["flp1"]


# --- as text ------------------------------------------------------------------------------------


def test_the_table_shows_age_and_last_state_of_an_unknown_task():
    known = task("sink", "UNKNOWN") | {"last_state": "RUNNING", "age_s": 32.14}
    (row,) = [line for line in tasks.task_table([known]).splitlines() if "id-sink" in line]
    assert "UNKNOWN (was RUNNING)" in row
    assert "32.1 s ago" in row


def test_a_fresh_state_is_shown_without_age_and_last_state():
    assert staleness.state({"state": "RUNNING", "last_state": "RUNNING"}) == "RUNNING"
    assert staleness.seen({"age_s": None}) == ""


def test_the_header_of_an_environment_names_unconfirmed_hosts():
    env = summary() | {"unknown": 2, "unconfirmed": {"flp1": "2 tasks: it is lost"}}
    assert "depends on unknown tasks: flp1: 2 tasks: it is lost" in environments.environment_block(env)
    assert "depends on unknown tasks" not in environments.environment_block(summary() | {"unconfirmed": {}})


def test_the_table_of_environments_counts_unknown_tasks():
    env = summary() | {"unknown": 2, "tasks_total": 4, "state": "RUNNING"}
    assert "RUNNING (2 of 4 tasks unknown)" in environments.environment_table([env])


def test_the_tree_counts_unknown_tasks_at_each_role():
    leaf = role("sink", "UNKNOWN", task="t") | {"unknown": 1}
    root = role("root", "RUNNING", roles=[leaf]) | {"unknown": 1}
    assert environments.tree(root).splitlines()[0] == "[RUNNING] root (1 unknown)"
