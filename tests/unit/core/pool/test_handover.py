"""The end of an environment that leaves its tasks to the pool."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.effects import ReleaseResources, SendCommand, TransferToPool
from salt_o2.core.messages.inputs import HostLost, TasksMoved
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import Moment
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.replay import Created, begin
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

BASIC = Launch(mode=ControlMode.BASIC, value="sleep")


@pytest.fixture
def running():
    """Three devices on two hosts, and one plain program, in run 17."""
    plan = plan_of(
        planned("sampler", "flp1"),
        planned("sink", "flp2"),
        planned("monitor", "flp2", critical=False),
        planned("program", "flp1", critical=False, launch=BASIC),
    )
    agents = FakeAgents(Environment("2oDvieFrVTi", plan))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    agents.ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert agents.environment.model.state is S.RUNNING
    return agents


@pytest.fixture
def configured(running):
    """The same after its run."""
    running.ask(E.STOP_ACTIVITY).accept_command()
    return running


def kept(agents):
    found = [effect for effect in agents.effects if isinstance(effect, TransferToPool)]
    return sorted(found[0].tasks) if found else []


def ordered(agents):
    return {(c.goal, o.task) for c in agents.commands() for o in c.orders}


def test_the_end_of_an_environment_ends_its_tasks_unless_a_transfer_is_requested(configured):
    configured.ask(E.EXIT).accept_command()
    assert kept(configured) == []


def test_departing_tasks_are_idle_before_the_other_tasks_end(configured):
    configured.ask(E.EXIT, keep=True)
    assert ordered(configured) == {(TaskState.STANDBY, name) for name in ("sampler", "sink", "monitor")}
    configured.accept_command()
    assert kept(configured) == ["monitor", "sampler", "sink"]
    assert configured.environment.model.state is S.DONE


def test_a_basic_task_has_no_idle_process_and_is_not_transferred(configured):
    configured.ask(E.EXIT, keep=True).accept_command()
    assert configured.environment.model.tasks.reports["program"].state is TaskState.DONE


def test_a_run_is_stopped_in_order_first(running):
    running.ask(E.STOP_ACTIVITY, E.EXIT, keep=True).accept_command()
    assert kept(running) == ["monitor", "sampler", "sink"]


def test_tasks_are_transferred_to_the_pool_before_resources_are_released(configured):
    configured.ask(E.EXIT, keep=True).accept_command()
    kinds = [type(effect) for effect in configured.effects]
    assert kinds.index(TransferToPool) < kinds.index(ReleaseResources)


def test_the_transfer_has_the_last_revision_and_its_user(configured):
    configured.ask(E.EXIT, keep=True).accept_command()
    (keep,) = [effect for effect in configured.effects if isinstance(effect, TransferToPool)]
    assert (keep.revision, keep.user) == (configured.environment.model.revision, "teo")


def test_a_failed_task_is_stopped_and_not_transferred(configured):
    configured.take(TasksMoved(at=configured.at, host="flp1", reports=(configured.failed("sampler"),)))
    assert configured.environment.model.state is S.ERROR
    configured.ask(E.EXIT, keep=True)
    assert (TaskState.STANDBY, "sampler") not in ordered(configured)
    configured.accept_command()
    assert kept(configured) == ["monitor", "sink"]


def test_a_task_that_misses_standby_is_stopped(configured):
    configured.ask(E.EXIT, keep=True)
    first, second = configured.commands()
    configured.report(first, *(configured.done(first, order.task) for order in first.orders))
    broken = configured.failed("sink", revision=second.revision)
    configured.report(second, broken, configured.done(second, "monitor"))
    assert (TaskState.DONE, "sink") in ordered(configured)
    configured.accept_command()
    assert kept(configured) == ["monitor", "sampler"]


def test_a_task_without_a_report_in_time_is_stopped_and_named(configured):
    configured.ask(E.EXIT, keep=True)
    first, _ = configured.commands()
    configured.report(first, *(configured.done(first, order.task) for order in first.orders))
    while not any(goal is TaskState.DONE for goal, _ in ordered(configured)):
        configured.wait_out()
    configured.accept_command()
    assert kept(configured) == ["sampler"]
    assert "sink" in configured.answers()[-1]


def test_an_idle_task_that_does_not_acknowledge_standby_is_stopped(configured):
    """The overtaken transition may have ordered it to continue meanwhile."""
    configured.ask(E.RESET).accept_command()
    configured.ask(E.CONFIGURE)  # No host answers.
    configured.ask(E.EXIT, keep=True)
    while not any(goal is TaskState.DONE for goal, _ in ordered(configured)):
        configured.wait_out()
    configured.accept_command()
    assert kept(configured) == []
    assert configured.environment.model.state is S.DONE


def test_a_task_that_dies_before_the_transfer_is_not_transferred():
    hook = planned("sweep", "flp1", trigger=Moment("DESTROY"), launch=replace(BASIC, mode=ControlMode.HOOK))
    agents = FakeAgents(Environment("E", plan_of(planned("sampler", "flp1"), planned("sink", "flp2"), hook)))
    agents.ask(E.DEPLOY).accept_command()
    agents.ask(E.EXIT, keep=True)
    for command in agents.commands():
        agents.report(command, *(agents.done(command, order.task) for order in command.orders))
    sweep = agents.commands()[0]
    agents.take(TasksMoved(at=agents.at, host="flp2", reports=(agents.failed("sink"),)))
    agents.report(sweep, agents.failed("sweep"))
    agents.accept_command()
    assert kept(agents) == ["sampler"]
    orders = [
        (c.goal, o.task)
        for e in agents.effects
        if isinstance(e, SendCommand)
        for c in [e.command]
        for o in c.orders
    ]
    assert (TaskState.DONE, "sink") in orders


def test_no_task_of_a_lost_host_is_transferred(configured):
    configured.take(HostLost(at=configured.at, host="flp2", silent_s=30.0))
    configured.ask(E.EXIT, keep=True)
    assert {c.host for c in configured.commands()} == {"flp1"}


def test_an_excluded_task_is_transferred_too(configured):
    configured.environment.model.tasks.exclude_task("monitor", "asked for")
    configured.ask(E.EXIT, keep=True).accept_command()
    assert "monitor" in kept(configured)


def test_an_environment_in_error_transfers_its_healthy_tasks(running):
    running.ask(E.GO_ERROR).accept_command()
    running.ask(E.EXIT, keep=True).accept_command()
    assert kept(running) == ["monitor", "sampler", "sink"]


def test_a_hook_is_never_transferred():
    hook = Launch(mode=ControlMode.HOOK, value="hook")
    plan = plan_of(
        planned("sink", "flp1"),
        planned("hook", "flp1", launch=hook, trigger=Moment("after_CONFIGURE", 0)),
    )
    agents = FakeAgents(Environment("2oDvieFrVTi", plan))
    agents.ask(E.DEPLOY).accept_command()
    agents.ask(E.EXIT, keep=True).accept_command()
    assert kept(agents) == ["sink"]


def test_a_transfer_continues_after_a_restart_of_control(configured):
    configured.ask(E.EXIT, keep=True)
    old, known = configured.environment.model, snapshot.capture(configured.environment)
    again = FakeAgents(snapshot.restore(old.id, old.plan, known))
    again.take(snapshot.resume(known, old.plan, 2000.0))
    again.accept_command()
    assert kept(again) == ["monitor", "sampler", "sink"]


def test_an_environment_that_claims_orders_with_higher_revisions_than_the_pool():
    created = Created(
        at=0.0, plan=plan_of(planned("sink", "flp1")), timeouts=None, claimed=("sink",), revision=41
    )
    agents = FakeAgents(begin("2oDvieFrVTi", created)).ask(E.DEPLOY)
    assert [command.revision for command in agents.commands()] == [42]
