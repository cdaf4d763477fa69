"""One planner for requests and for rescheduling; it needs no environment that runs."""

import itertools
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.planning.concurrent_planning import EnvironmentChanged
from salt_o2.control.planning.environment_planner import EnvironmentPlanner
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import PlanError, UnknownNameError
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from salt_o2.site.settings import Site
from tests.support.builders.repositories import repository
from tests.support.harness.control import on_a_loop


class EmptyPool:
    """A pool without tasks."""

    def claimable(self):
        return []

    def are_free(self, tasks):
        return not tasks


async def nothing_to_wait_for():
    """There are no pillars to compile."""


@pytest.fixture
def scene(tmp_path):
    """A planner for two hosts, whose ids are id-1, id-2 and so on."""
    inventory, stored = Inventory(), {}
    for number, host in enumerate(("flp1", "flp2"), 1):
        facts = HostFacts(address=f"10.0.0.{number}", network=f"n{number}", cpus=8, memory_mb=8000)
        inventory.add_host(host, facts)

    def stored_of(id):
        if id not in stored:
            raise UnknownNameError(f"{id} has ended")
        return stored[id]

    numbers = itertools.count(1)
    planner = EnvironmentPlanner(
        site=Site(repositories=(str(repository(tmp_path)),)),
        inventory=inventory,
        pool=EmptyPool(),
        declarations_settled=nothing_to_wait_for,
        stored=stored_of,
        threads=RequestThreads(),
        new_id=lambda: f"id-{next(numbers)}",
    )
    return SimpleNamespace(planner=planner, inventory=inventory, stored=stored)


def begin(scene, draft):
    """Return the stored data and the state machine of the environment of ``draft``, with its resources."""
    environment = Environment(draft.environment, draft.plan)
    scene.stored[draft.environment] = StoredEnvironment(
        id=draft.environment,
        created=1.0,
        user="teo",
        overrides=draft.overrides,
        plan=draft.plan,
        snapshot=snapshot.capture(environment),
    )
    scene.inventory.allocate(draft.environment, draft.plan)
    return scene.stored[draft.environment], environment


def hosts_of(draft):
    return {task.path: task.host for task in draft.plan.tasks}


@contextmanager
def busy_at_first(inventory, monkeypatch):
    """Let a host leave after the first draft was made, so that the planner makes it once more."""
    has_less_room, outcomes = inventory.has_less_room, [True]
    monkeypatch.setattr(
        inventory, "has_less_room", lambda *a: outcomes.pop() if outcomes else has_less_room(*a)
    )
    yield
    assert outcomes == []


@on_a_loop
async def test_ids_of_environment_and_tasks_come_from_the_given_source(scene):
    draft = await scene.planner.plan_new("teo", "farm", Overrides())
    assert draft.environment == "id-1"
    assert [task.id for task in draft.plan.tasks] == ["id-2", "id-3"]


@on_a_loop
async def test_an_earlier_draft_is_made_again_with_the_same_ids(scene):
    earlier = await scene.planner.plan_new("teo", "farm", Overrides())
    again = await scene.planner.plan_new("teo", "farm", Overrides(), earlier=earlier)
    assert again == earlier


@on_a_loop
async def test_an_earlier_draft_keeps_its_ids_when_changed_resources_require_a_second_attempt(
    scene, monkeypatch
):
    earlier = await scene.planner.plan_new("teo", "farm", Overrides())
    with busy_at_first(scene.inventory, monkeypatch):
        again = await scene.planner.plan_new("teo", "farm", Overrides(), earlier=earlier)
    assert again == earlier


@on_a_loop
async def test_a_change_keeps_the_tasks_that_it_does_not_concern(scene):
    stored, environment = begin(scene, await scene.planner.plan_new("teo", "farm", Overrides()))
    wider = await scene.planner.plan_change("teo", stored, environment, Overrides(scale={"leaf": 3}))
    assert wider.plan.tasks[:2] == stored.plan.tasks
    assert len(wider.plan.tasks) == 3
    assert wider.previous is stored.plan


@on_a_loop
async def test_a_change_of_an_environment_that_another_request_has_changed_is_refused(scene):
    stored, environment = begin(scene, await scene.planner.plan_new("teo", "farm", Overrides()))
    scene.stored[stored.id] = StoredEnvironment(
        id=stored.id,
        created=stored.created,
        user="nil",
        overrides=stored.overrides,
        plan=stored.plan,
        snapshot=stored.snapshot,
    )
    with pytest.raises(EnvironmentChanged):
        await scene.planner.plan_change("teo", stored, environment, Overrides())


@on_a_loop
async def test_a_change_of_an_environment_that_has_ended_is_refused(scene):
    stored, environment = begin(scene, await scene.planner.plan_new("teo", "farm", Overrides()))
    scene.stored.clear()
    with pytest.raises(UnknownNameError):
        await scene.planner.plan_change("teo", stored, environment, Overrides())


@on_a_loop
async def test_a_move_gives_other_hosts_to_the_named_roles_only(scene):
    planner = scene.planner
    stored, environment = begin(scene, await planner.plan_new("teo", "farm", Overrides()))
    before = {task.path: task for task in stored.plan.tasks}
    lost = before["root.leaf0"].host
    scene.inventory.remove_host(lost)
    paths = {path for path, task in before.items() if task.host == lost}
    loaded = await planner.load_again(stored)
    assert planner.movable_paths(loaded, paths) == paths
    moved = await planner.plan_move(loaded, stored, environment, stored.overrides, paths, ports=False)
    assert lost not in hosts_of(moved).values()
    assert {path for path, host in hosts_of(moved).items() if host != before[path].host} == paths
    assert all(task == before[task.path] for task in moved.plan.tasks if task.path not in paths)


@on_a_loop
async def test_a_task_whose_port_was_refused_gets_another_port_on_its_host(scene):
    planner = scene.planner
    stored, environment = begin(scene, await planner.plan_new("teo", "farm", Overrides()))
    task = stored.plan.tasks[0]
    loaded = await planner.load_again(stored)
    scene.inventory.refuse_ports(task.host, task.ports, task.ports, at=1.0)
    moved = await planner.plan_move(loaded, stored, environment, stored.overrides, {task.path}, ports=True)
    other = next(each for each in moved.plan.tasks if each.path == task.path)
    assert other.host == task.host
    assert not set(other.ports) & set(task.ports)


@on_a_loop
async def test_no_role_is_movable_without_a_host_that_meets_its_constraints(scene):
    stored, _ = begin(scene, await scene.planner.plan_new("teo", "farm", Overrides()))
    loaded = await scene.planner.load_again(stored)
    for host in ("flp1", "flp2"):
        scene.inventory.remove_host(host)
    assert scene.planner.movable_paths(loaded, {"root.leaf0"}) == set()


@on_a_loop
async def test_a_move_without_room_is_refused(scene):
    stored, environment = begin(scene, await scene.planner.plan_new("teo", "farm", Overrides()))
    loaded = await scene.planner.load_again(stored)
    for host in ("flp1", "flp2"):
        scene.inventory.remove_host(host)
    with pytest.raises(PlanError):
        await scene.planner.plan_move(
            loaded, stored, environment, stored.overrides, {"root.leaf0"}, ports=False
        )
