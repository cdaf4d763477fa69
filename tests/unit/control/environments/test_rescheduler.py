"""The rescheduler alone: what becomes of a search for other hosts or ports that the executor has queued."""

import asyncio
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import RescheduleRequest
from salt_o2.control.environments.rescheduling import PORT_TRIES, Rescheduler
from salt_o2.control.planning.concurrent_planning import EnvironmentChanged
from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import PlanError, TaskError
from salt_o2.core.messages.effects import Reschedule
from salt_o2.core.messages.inputs import RescheduleFailed
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.clock import FakeClock
from tests.support.harness.control import on_a_loop, until


class FakePlanner:
    """Plans as a test decides: ``movable`` roles get other places, ``fails`` are raised first."""

    def __init__(self):
        self.movable, self.fails, self.moves = {"root.readout"}, [], []

    async def load_again(self, stored):
        if self.fails:
            raise self.fails.pop(0)
        return stored.plan

    def movable_paths(self, _loaded, paths, *, ports=False):
        return self.movable & set(paths)

    async def plan_move(self, _loaded, stored, _environment, overrides, paths, *, ports):
        self.moves.append((set(paths), ports))
        return PlanDraft(environment=stored.id, workflow="w", overrides=overrides, plan=stored.plan)


class FakeModifications:
    """Modifications that end as a test decides: each of ``results`` is called with the environment."""

    def __init__(self):
        self.applied, self.results = [], []

    async def apply(self, target, wanted, _overrides):
        self.applied.append(wanted)
        if self.results:
            self.results.pop(0)(target)


class FakeExecutor:
    """An executor that records steps."""

    def __init__(self):
        self.reschedules, self.steps = asyncio.Queue(), []

    def step(self, target, message):
        self.steps.append((target, message))


@asynccontextmanager
async def rescheduler():
    """Yield a running rescheduler, what it works with, and one environment with two tasks."""
    environment = Environment("ENV", plan_of(planned("readout", "flp1"), planned("sink", "epn1")))
    stored = StoredEnvironment(
        id="ENV",
        created=1.0,
        user="teo",
        overrides=Overrides(),
        plan=environment.model.plan,
        snapshot=snapshot.capture(environment),
    )
    active = ActiveEnvironments(ENV=ActiveEnvironment(stored, environment))
    parts = {
        "executor": FakeExecutor(),
        "planner": FakePlanner(),
        "modifications": FakeModifications(),
        "pool": SimpleNamespace(revision_of=lambda _: 0),
    }
    tested = Rescheduler(active=active, clock=FakeClock(), new_id=lambda: "request-1", **parts)
    running = asyncio.create_task(tested.run())
    scene = SimpleNamespace(tested=tested, active=active, target=active["ENV"], **parts)
    try:
        yield scene
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def search(scene, *tasks, ports=False):
    """Queue a search for ``tasks``, and wait until it has ended."""
    effect = Reschedule(environment="ENV", tasks=tasks, ports=ports)
    scene.executor.reschedules.put_nowait(RescheduleRequest(scene.target, effect))
    assert not scene.tested.is_idle
    await until(lambda: scene.tested.is_idle)


def failures(scene):
    return [
        (message.tasks, message.reason)
        for _, message in scene.executor.steps
        if isinstance(message, RescheduleFailed)
    ]


@on_a_loop
async def test_a_task_that_fits_elsewhere_is_moved_by_a_modification_of_control():
    async with rescheduler() as scene:
        await search(scene, "readout")
        (message,) = scene.modifications.applied
        assert (message.user, message.request, message.may_exclude) == ("control", "request-1", ())
        assert scene.planner.moves == [({"root.readout"}, False)]
        assert failures(scene) == []


@on_a_loop
async def test_a_task_that_fits_nowhere_is_reported_to_its_environment():
    async with rescheduler() as scene:
        await search(scene, "readout", "sink")
        assert failures(scene) == [(("sink",), "its tasks are bound to their lost host")]
        assert len(scene.modifications.applied) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [(PlanError("no room"), "no room"), (KeyError("a defect"), "KeyError('a defect')")],
    ids=["a refusal", "a defect"],
)
def test_a_search_that_fails_is_reported_to_its_environment(error, reason):
    @on_a_loop
    async def scene_of_the_test():
        async with rescheduler() as scene:
            scene.planner.fails = [error]
            await search(scene, "readout")
            ((tasks, why),) = failures(scene)
            assert tasks == ("readout",)
            assert reason in why

    scene_of_the_test()


@on_a_loop
async def test_a_search_begins_again_when_a_user_has_changed_the_environment():
    async with rescheduler() as scene:
        scene.planner.fails = [EnvironmentChanged("ENV")]
        await search(scene, "readout")
        assert len(scene.modifications.applied) == 1
        assert failures(scene) == []


@on_a_loop
async def test_a_search_for_an_environment_that_has_ended_does_nothing():
    async with rescheduler() as scene:
        scene.active.clear()
        await search(scene, "readout")
        assert (scene.planner.moves, scene.executor.steps) == ([], [])


@on_a_loop
async def test_a_move_is_planned_again_when_agents_refuse_its_ports_but_not_without_end():
    def refuse_ports(target):
        target.ports_refused = True
        raise TaskError("port in use")

    async with rescheduler() as scene:
        scene.modifications.results = [refuse_ports, refuse_ports]
        await search(scene, "readout", ports=True)
        assert (len(scene.modifications.applied), failures(scene)) == (3, [])
        scene.modifications.applied.clear()
        scene.modifications.results = [refuse_ports] * 10
        await search(scene, "readout", ports=True)
        assert len(scene.modifications.applied) == PORT_TRIES
        assert failures(scene) == [(("readout",), "port in use")]


@on_a_loop
async def test_searches_of_one_environment_run_one_after_the_other():
    async with rescheduler() as scene:
        running, most = [], []

        async def load_slowly(stored):
            running.append(stored)
            most.append(len(running))
            for _ in range(5):
                await asyncio.sleep(0)
            running.pop()
            return stored.plan

        scene.planner.load_again = load_slowly
        for task in ("readout", "sink"):
            effect = Reschedule(environment="ENV", tasks=(task,))
            scene.executor.reschedules.put_nowait(RescheduleRequest(scene.target, effect))
        await until(lambda: scene.tested.is_idle)
        assert most == [1, 1]
