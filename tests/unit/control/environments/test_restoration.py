"""The restoration alone: what a restarted control makes of the environments in its store."""

from contextlib import contextmanager

from salt_o2.control.environments.modifications import Modifications
from salt_o2.control.environments.restoration import Restoration
from salt_o2.control.storage.run_store import RunStore
from salt_o2.core.messages.inputs import Requested
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.harness.control import on_a_loop
from tests.support.harness.executor import ExecutorHarness


@contextmanager
def control_process(folder):
    """Yield an executor and the restoration of a control process; its end is a kill."""
    harness = ExecutorHarness(f"sqlite:///{folder / 'o2.sqlite'}")
    modifications = Modifications(
        active=harness.active,
        executor=harness.executor,
        pool=harness.pool,
        store=harness.store,
        waiters=harness.waiters,
    )
    restoration = Restoration(
        active=harness.active,
        executor=harness.executor,
        modifications=modifications,
        store=harness.store,
        runs=RunStore(harness.store),
        inventory=harness.inventory,
        timeouts_of=lambda plan: Timeouts(acknowledge=float(plan.variables.get("acknowledge", 1.0))),
        clock=harness.clock,
    )
    try:
        yield harness, restoration
    finally:
        harness.close()


def deploy(harness, target):
    harness.executor.step(target, Requested(at=harness.clock(), request="r", events=(E.DEPLOY,), user="teo"))


@on_a_loop
async def test_environments_are_restored_with_their_resources_and_no_command_is_sent(tmp_path):
    with control_process(tmp_path) as (before, _):
        before.add("E1", plan_of(planned("readout", "flp1")))
        before.add("E2", plan_of(planned("sink", "epn1")))
    with control_process(tmp_path) as (after, restoration):
        restoration.restore()
        assert list(after.active) == ["E1", "E2"]
        assert after.inventory.tasks_of("E1") == ["readout"]
        assert after.inventory.tasks_of("E2") == ["sink"]
        restoration.resume()
        assert after.outbound.sent == []


@on_a_loop
async def test_an_interrupted_transition_is_resumed_with_orders_above_the_earlier_ones(tmp_path):
    with control_process(tmp_path) as (before, _):
        target = before.add("E1", plan_of(planned("readout", "flp1")))
        deploy(before, target)
        (sent,) = before.outbound.sent
    with control_process(tmp_path) as (after, restoration):
        restoration.restore()
        assert after.outbound.sent == []
        restoration.resume()
        (again,) = after.outbound.sent
        assert (again.host, again.goal) == (sent.host, sent.goal)
        assert again.revision > sent.revision
        assert after.active["E1"].environment.model.active.event is E.DEPLOY


@on_a_loop
async def test_a_run_that_stops_at_a_time_has_its_timer_after_the_restart(tmp_path):
    with control_process(tmp_path) as (before, _):
        for id in ("E1", "E2"):
            target = before.add(id, plan_of(planned(f"task-of-{id}", "flp1")))
            target.environment.model.state = S.RUNNING
            target.environment.model.run.number = 7
            target.environment.model.run.stop_at = 2000.0 if id == "E1" else None
            before.store.save(id, snapshot.capture(target.environment))
    with control_process(tmp_path) as (after, restoration):
        restoration.restore()
        assert after.active["E1"].timer is None
        restoration.resume()
        assert after.active["E1"].timer is not None
        assert after.active["E2"].timer is None


@on_a_loop
async def test_an_environment_that_cannot_be_restored_is_reported_and_the_next_is_restored(tmp_path):
    with control_process(tmp_path) as (before, _):
        before.add("E1", plan_of(planned("readout", "flp1"), acknowledge="soon"))
        before.add("E2", plan_of(planned("sink", "epn1")))
    with control_process(tmp_path) as (after, restoration):
        restoration.restore()
        assert list(after.active) == ["E2"]
        (fault,) = after.store.unread
        assert "E1" in fault


@on_a_loop
async def test_the_restart_of_control_is_in_the_journal_of_each_environment(tmp_path):
    with control_process(tmp_path) as (before, _):
        before.add("E1", plan_of(planned("readout", "flp1")))
    with control_process(tmp_path) as (after, restoration):
        restoration.restore()
        after.store.flush()
        assert [entry.kind for entry in after.store.journal("E1")] == ["Restarted"]
        assert after.active["E1"].environment.model.state is S.STANDBY
