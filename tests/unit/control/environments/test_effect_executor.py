"""A step of an environment: its effects are persisted, then carried out, then its watchers are notified."""

from contextlib import asynccontextmanager

import pytest

from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from salt_o2.core.messages.effects import Reschedule, SendCommand
from salt_o2.core.messages.inputs import HostLost, Modified, Requested, TasksMoved, Tick
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.builders.reports import done
from tests.support.harness.control import on_a_loop
from tests.support.harness.executor import ExecutorHarness

READOUT, SINK = planned("readout", "flp1"), planned("sink", "epn1")


@asynccontextmanager
async def executor_harness(folder):
    harness = ExecutorHarness(f"sqlite:///{folder / 'o2.sqlite'}")
    for host in ("flp1", "epn1"):
        harness.inventory.add_host(host, HostFacts(address=host, network=host, cpus=8, memory_mb=8000))
    try:
        yield harness
    finally:
        harness.close()


def requested(harness, *events, **more):
    return Requested(at=harness.clock(), request="r1", events=events, user="teo", **more)


def tasks_reach_their_goal(harness, target):
    """Step ``target`` with the reports of agents that have carried out the last commands."""
    commands, harness.outbound.sent = harness.outbound.sent, []
    for command in commands:
        reports = tuple(done(command, order.task) for order in command.orders)
        harness.executor.step(target, TasksMoved(at=harness.clock(), host=command.host, reports=reports))


def bring_to_configured(harness, target):
    harness.executor.step(target, requested(harness, E.DEPLOY, E.CONFIGURE))
    while harness.outbound.sent:
        tasks_reach_their_goal(harness, target)
    assert target.environment.model.state is S.CONFIGURED


@on_a_loop
async def test_a_command_is_sent_only_when_its_step_is_on_disk(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target, seen = harness.add("ENV", plan_of(READOUT, SINK)), []

        def look_at_the_disk():
            with harness.other_connection() as other:
                seen.append(([entry.kind for entry in other.journal("ENV")], other.find("ENV").snapshot))

        harness.outbound.on_send = look_at_the_disk
        harness.executor.step(target, requested(harness, E.DEPLOY))
        ((kinds, known),) = seen
        assert kinds.count("SendCommand") == len(harness.outbound.sent) == 2
        assert known.pending == (E.DEPLOY,)


@on_a_loop
async def test_all_commands_of_a_step_are_sent_together(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target, sendings = harness.add("ENV", plan_of(READOUT, SINK)), []
        harness.outbound.on_send = lambda: sendings.append(1)
        effects = harness.executor.step(target, requested(harness, E.DEPLOY))
        assert harness.outbound.sent == [each.command for each in effects if isinstance(each, SendCommand)]
        assert len(sendings) == 1


@on_a_loop
async def test_watchers_are_notified_after_the_commands_are_sent(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target, notified = harness.add("ENV", plan_of(READOUT)), []
        target.watchers.append(lambda environment: notified.append((environment, len(harness.outbound.sent))))
        harness.executor.step(target, requested(harness, E.DEPLOY))
        assert notified == [(target.environment, 1)]


@on_a_loop
async def test_an_input_that_the_environment_refuses_changes_nothing(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT))
        before = target.stored
        with pytest.raises(IllegalTransitionError):
            harness.executor.step(target, requested(harness, E.START_ACTIVITY, run_number=1))
        harness.store.flush()
        assert target.stored is before
        assert harness.store.journal("ENV") == []
        assert harness.outbound.sent == []


@on_a_loop
async def test_a_lost_task_that_is_healthy_again_is_stored_as_such(tmp_path):
    """Otherwise the next control leaves the task out of a transition until its host reports."""
    async with executor_harness(tmp_path) as harness:
        sink = planned("sink", "epn1", critical=False)
        target = harness.add("ENV", plan_of(READOUT, sink))
        bring_to_configured(harness, target)
        before = target.environment.model.tasks.reports["sink"]
        harness.executor.step(target, HostLost(at=harness.clock(), host="epn1", silent_s=20.0))
        harness.store.flush()
        with harness.other_connection() as other:
            assert set(other.find("ENV").snapshot.lost) == {"sink"}
        harness.executor.step(target, TasksMoved(at=harness.clock(), host="epn1", reports=(before,)))
        assert target.environment.model.tasks.lost == {}
        harness.store.flush()
        with harness.other_connection() as other:
            assert other.find("ENV").snapshot == snapshot.capture(target.environment)


@on_a_loop
async def test_a_modification_that_the_environment_accepts_changes_the_stored_plan(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target, wider = harness.add("ENV", plan_of(READOUT)), plan_of(READOUT, SINK)
        bring_to_configured(harness, target)
        overrides = Overrides(scale={"sink": 1})
        message = Modified(at=harness.clock(), request="r2", plan=wider, overrides=overrides)
        harness.executor.step(target, message)
        assert (target.stored.plan, target.stored.overrides) == (wider, overrides)
        with harness.other_connection() as other:
            assert (other.find("ENV").plan, other.find("ENV").overrides) == (wider, overrides)


@on_a_loop
async def test_a_modification_that_the_environment_refuses_leaves_the_stored_plan(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT))
        harness.executor.step(target, requested(harness, E.DEPLOY))
        before = target.stored
        message = Modified(at=harness.clock(), request="r2", plan=plan_of(READOUT, SINK))
        with pytest.raises(InvalidRequestError):
            harness.executor.step(target, message)
        assert target.stored is before


@on_a_loop
async def test_a_step_queues_a_search_for_other_hosts_and_does_not_wait(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT, planned("sink", "epn1", recovery="restart")))
        bring_to_configured(harness, target)
        harness.executor.step(target, HostLost(at=harness.clock(), host="epn1", silent_s=20.0))
        queued = harness.executor.reschedules.get_nowait()
        assert queued.target is target
        assert queued.effect == Reschedule(environment="ENV", tasks=("sink",))


@on_a_loop
async def test_an_environment_that_has_ended_leaves_the_registry_and_the_inventory(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT))
        bring_to_configured(harness, target)
        harness.executor.step(target, requested(harness, E.EXIT))
        while harness.outbound.sent:
            tasks_reach_their_goal(harness, target)
        assert harness.active == {}
        assert harness.inventory.tasks_of("ENV") == []
        assert harness.store.ended_among(["ENV"]) == set()  # until the next flush
        harness.store.flush()
        assert harness.store.find("ENV").ended == harness.clock()


@on_a_loop
async def test_an_environment_with_a_deadline_has_a_timer_and_an_idle_one_has_none(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT))
        harness.executor.step(target, requested(harness, E.DEPLOY))
        assert target.timer is not None
        while harness.outbound.sent:
            tasks_reach_their_goal(harness, target)
        assert (target.environment.wake_at, target.timer) == (None, None)


def survey_of(host):
    return Report(
        host=host,
        incarnation="1",
        sequence=1,
        facts=HostFacts(address=host, network=host, cpus=8, memory_mb=8000),
    )


@on_a_loop
async def test_a_host_that_has_not_confirmed_the_end_of_its_tasks_is_asked_for_a_survey(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT, SINK))
        bring_to_configured(harness, target)
        for host in ("flp1", "epn1"):
            harness.hosts.record_report(survey_of(host), harness.clock())
        harness.executor.step(target, requested(harness, E.EXIT))
        commands = {command.host: command for command in harness.outbound.sent}
        ended = tuple(done(commands["flp1"], order.task) for order in commands["flp1"].orders)
        harness.executor.step(target, TasksMoved(at=harness.clock(), host="flp1", reports=ended))
        harness.clock.at += 3600.0  # the commands for epn1 are lost
        harness.executor.step(target, Tick(at=harness.clock()))
        assert target.environment.model.state is S.DONE
        assert {host: known.needs_survey for host, known in harness.hosts.known.items()} == {
            "flp1": False,
            "epn1": True,
        }


@on_a_loop
async def test_an_environment_whose_tasks_have_all_ended_requires_no_survey(tmp_path):
    async with executor_harness(tmp_path) as harness:
        target = harness.add("ENV", plan_of(READOUT))
        bring_to_configured(harness, target)
        harness.hosts.record_report(survey_of("flp1"), harness.clock())
        harness.executor.step(target, requested(harness, E.EXIT))
        while harness.outbound.sent:
            tasks_reach_their_goal(harness, target)
        assert target.environment.model.state is S.DONE
        assert not harness.hosts.known["flp1"].needs_survey
