"""Lists of tasks: what each row has, and which tasks fit a request."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.errors import UnknownNameError
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness

WORKFLOW = """
name: detectors
defaults: {recovery: ignore}
roles:
  - {name: its, vars: {detector: ITS}, constraints: FLP1, task: {load: reader}}
  - {name: tpc, vars: {detector: TPC}, constraints: FLP2, task: {load: reader}}
  - {name: epn, constraints: FLP2, task: {load: builder}}
"""
TASK = "name: {name}\ncontrol: {{mode: fairmq}}\nwants: {{cpu: 0, memory: 0}}\ncommand: {{value: x}}\n"


def played(folder, scene, clock=None):
    (folder / "workflows").mkdir(exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    workflow = WORKFLOW
    for host in ("flp1", "flp2"):
        workflow = workflow.replace(host.upper(), f"[{{attribute: host, value: {host}}}]")
    (folder / "workflows/detectors.yaml").write_text(workflow)
    for name in ("reader", "builder"):
        (folder / f"tasks/{name}.yaml").write_text(TASK.format(name=name))

    async def whole():
        async with control_harness(folder, bus=Hosts("flp1", "flp2"), clock=clock) as room:
            return await scene(room)

    return asyncio.run(whole())


class Hosts(FakeHostsWithRecords):
    """Hosts whose attribute ``host`` is their name."""

    def report(self, host, *tasks, facts=None):
        facts = facts and replace(facts, attributes={"host": host})
        super().report(host, *tasks, facts=facts)


def fail(room, env, path):
    task = next(each for each in env["tasks"] if each["path"] == path)
    about = room.hosts.tasks[task["host"]][task["id"]]
    room.hosts.report(
        task["host"],
        replace(
            about,
            state=TaskState.ERROR,
            status=TaskStatus.INACTIVE,
            pid=None,
            failure=Failure(asked="RUN", state="READY", reason="exit code 2"),
        ),
    )


async def paths(room, **wanted):
    return [task["path"].removeprefix("detectors.") for task in await room.ask("task_list", **wanted)]


def test_tasks_are_found_by_environment_host_state_role_class_and_detector(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="detectors", exclude=["TPC"])
        fail(room, env, "detectors.epn")
        found = {
            tuple(wanted.items()): await paths(room, **wanted)
            for wanted in (
                {},
                {"environment": env["id"][:6]},
                {"host": "flp2"},
                {"host": "flp9"},
                {"state": "configured"},
                {"state": "EXCLUDED"},
                {"state": "lost"},
                {"state": "failed"},
                {"role": "*.tpc"},
                {"role": "detectors.*"},
                {"role": "tpc"},
                {"class_name": "read*"},
                {"detector": "ITS"},
                {"host": "flp2", "class_name": "reader"},
            )
        }
        assert found == {
            (): ["its", "tpc", "epn"],
            (("environment", env["id"][:6]),): ["its", "tpc", "epn"],
            (("host", "flp2"),): ["tpc", "epn"],
            (("host", "flp9"),): [],
            (("state", "configured"),): ["its"],
            (("state", "EXCLUDED"),): ["tpc"],
            (("state", "lost"),): ["epn"],
            (("state", "failed"),): ["epn"],
            (("role", "*.tpc"),): ["tpc"],
            (("role", "detectors.*"),): ["its", "tpc", "epn"],
            (("role", "tpc"),): [],
            (("class_name", "read*"),): ["its", "tpc"],
            (("detector", "ITS"),): ["its"],
            (("host", "flp2"), ("class_name", "reader")): ["tpc"],
        }

    played(tmp_path, scene)


def test_an_unknown_environment_is_refused(tmp_path):
    async def scene(room):
        with pytest.raises(UnknownNameError):
            await room.ask("task_list", environment="2oD")

    played(tmp_path, scene)


def test_only_tasks_that_fit_are_looked_at(tmp_path, monkeypatch):
    viewed = []
    real = StalenessView.task_of
    monkeypatch.setattr(
        StalenessView, "task_of", lambda self, *given: viewed.append(given[1].path) or real(self, *given)
    )

    async def scene(room):
        await room.ask("env_create", workflow="detectors")
        viewed.clear()
        await room.ask("task_list", host="flp1")
        assert viewed == ["detectors.its"]

    played(tmp_path, scene)


def test_a_summary_counts_ready_tasks_and_names_detectors(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="detectors", exclude=["TPC"])
        assert (env["tasks_ready"], env["tasks_planned"], env["tasks_excluded"]) == (2, 3, 1)
        assert (env["detectors"], env["detectors_excluded"]) == (["ITS"], ["TPC"])
        assert env["requested_by"] == "teo"
        fail(room, env, "detectors.epn")
        (row,) = await room.ask("env_list")
        assert (row["tasks_ready"], row["lost"], row["restarts"]) == (1, 1, 0)
        assert row["last_failure"]["path"] == "detectors.epn"
        assert row["since"] is not None

    played(tmp_path, scene)


def test_the_age_of_a_process_is_shown_while_it_runs(tmp_path):
    now = [1_000_000.0]

    async def scene(room):
        env = await room.ask("env_create", workflow="detectors")
        task = env["tasks"][0]
        about = room.hosts.tasks["flp1"][task["id"]]
        room.hosts.report("flp1", replace(about, started=now[0]))
        now[0] += 90
        (shown,) = await room.ask("task_list", host="flp1")
        assert shown["uptime_s"] == 90.0
        room.hosts.report("flp1", replace(about, started=now[0], pid=None, state=TaskState.DONE))
        (shown,) = await room.ask("task_list", host="flp1")
        assert shown["uptime_s"] is None

    played(tmp_path, scene, clock=lambda: now[0])
