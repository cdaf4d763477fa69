"""A host falls silent: what becomes of its tasks, and of the run."""

from dataclasses import replace

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.effects import Reschedule
from salt_o2.core.messages.inputs import HostLost, HostSilent, Modified, RescheduleFailed, TasksMoved, Tick
from salt_o2.core.plan.moments import Moment
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents


def running(policy="restart", tolerate=0):
    """a on h1, b and c on h2, in run 17."""
    tasks = planned("a", "h1"), planned("b", "h2", recovery=policy), planned("c", "h2", recovery=policy)
    agents = FakeAgents(Environment("E", plan_of(*tasks, tolerate=tolerate)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    agents.effects.clear()
    return agents


def lose(agents, host="h2"):
    agents.take(HostLost(at=agents.at, host=host, silent_s=3.0))
    return agents


def ordered_goals(agents):
    return {order.task: command.goal for command in agents.commands() for order in command.orders}


def test_tasks_of_a_lost_host_are_unknown_and_not_running():
    members = lose(running()).environment.model.tasks
    assert members.reports["b"].state is TaskState.UNKNOWN
    assert members.reports["b"].status is TaskStatus.INACTIVE


def test_tasks_are_rescheduled_while_the_run_continues():
    agents = lose(running())
    assert [effect.tasks for effect in agents.last if isinstance(effect, Reschedule)] == [("b", "c")]
    assert agents.environment.model.state is S.RUNNING


def test_rescheduled_tasks_join_and_the_lost_host_gets_no_command():
    agents = lose(running())
    a = agents.environment.model.plan.tasks[0]
    anew = plan_of(a, planned("b2", "h1"), planned("c2", "h3"))
    agents.take(Modified(at=agents.at, request="m", plan=anew))
    assert {command.host for command in agents.commands()} == {"h1", "h3"}
    agents.accept_command()
    assert (agents.environment.model.state, agents.environment.model.run.number) == (S.RUNNING, 17)
    assert set(agents.environment.model.tasks.tasks) == {"a", "b2", "c2"}
    assert agents.environment.model.tasks.tree.root.state is TaskState.RUNNING


def test_only_peers_whose_addresses_changed_are_reconfigured():
    agents = lose(running())
    a = replace(agents.environment.model.plan.tasks[0], properties={"chans.data.0.address": "tcp://h3:9000"})
    agents.take(
        Modified(at=agents.at, request="m", plan=plan_of(a, planned("b2", "h3"), planned("c2", "h3")))
    )
    assert ordered_goals(agents) == {"a": TaskState.RUNNING, "b2": TaskState.RUNNING, "c2": TaskState.RUNNING}


def test_tasks_bound_to_the_lost_host_make_an_error():
    agents = lose(running())
    agents.take(RescheduleFailed(at=agents.at, tasks=("b", "c"), reason="bound to h2"))
    assert agents.environment.model.state is S.ERROR
    assert "bound to h2" in agents.environment.model.error


def test_a_tolerated_loss_of_the_tasks_of_a_lost_host_continues_the_run():
    agents = lose(running(tolerate=2))
    agents.take(RescheduleFailed(at=agents.at, tasks=("b", "c"), reason="bound to h2"))
    assert agents.environment.model.state is S.RUNNING
    assert set(agents.environment.model.tasks.lost) == {"b", "c"}


def test_tasks_whose_policy_is_fail_are_not_rescheduled():
    assert lose(running("fail")).environment.model.state is S.ERROR


def test_the_run_continues_without_lost_tasks_whose_policy_is_ignore():
    agents = lose(running("ignore"))
    assert agents.environment.model.state is S.RUNNING
    agents.ask(E.STOP_ACTIVITY)
    assert set(ordered_goals(agents)) == {"a"}


def test_a_host_that_comes_back_with_its_tasks_running_brings_them_back():
    agents = running(tolerate=2)
    reports = tuple(agents.environment.model.tasks.reports[task] for task in ("b", "c"))
    lose(agents)
    agents.take(RescheduleFailed(at=agents.at, tasks=("b", "c"), reason="bound to h2"))
    agents.take(TasksMoved(at=agents.at, host="h2", reports=reports))
    members = agents.environment.model.tasks
    assert (members.lost, members.unreachable) == ({}, set())
    assert members.tree.root.state is TaskState.RUNNING
    agents.ask(E.STOP_ACTIVITY)
    assert set(ordered_goals(agents)) == {"a", "b", "c"}


def test_a_transition_does_not_wait_for_a_host_that_is_lost():
    agents = running("ignore", tolerate=2)
    agents.ask(E.STOP_ACTIVITY)
    (on_h1,) = [command for command in agents.commands() if command.host == "h1"]
    agents.report(on_h1, agents.done(on_h1, "a"))
    lose(agents)
    assert agents.environment.model.state is S.CONFIGURED


def test_the_end_does_not_wait_for_a_lost_host():
    agents = running()
    agents.ask(E.STOP_ACTIVITY).accept_command().ask(E.EXIT)
    (on_h1,) = [command for command in agents.commands() if command.host == "h1"]
    agents.report(on_h1, agents.done(on_h1, "a"))
    lose(agents)
    assert agents.environment.model.state is S.DONE


def test_the_loss_of_a_host_without_tasks_has_no_effect():
    assert lose(running(), "h9").last == []


def restarted(agents):
    """The same environment as control takes it up: nothing was heard of its tasks yet."""
    old = agents.environment.model
    again = FakeAgents(snapshot.restore(old.id, old.plan, snapshot.capture(agents.environment)))
    again.at = agents.at
    return again


def test_tasks_of_a_host_that_was_lost_while_control_was_down_are_rescheduled():
    agents = lose(restarted(running()))
    assert [effect.tasks for effect in agents.last if isinstance(effect, Reschedule)] == [("b", "c")]


def test_a_departing_task_is_neither_lost_nor_excluded_after_a_restart_of_control():
    plan = plan_of(planned("a", "h1"), planned("b", "h1"))
    known = snapshot.Snapshot(
        state=S.ERROR,
        revision=3,
        lost={"a": "host h1 is lost", "leaver": "host h1 is lost"},
        excluded={"b": "noisy", "other-leaver": "noisy"},
    )
    members = snapshot.restore("E", plan, known).model.tasks
    assert (set(members.lost), set(members.excluded)) == ({"a"}, {"b"})


def test_hooks_of_a_lost_host_that_never_ran_cause_no_failure():
    hook = planned("b", "h2", trigger=Moment("before_CONFIGURE"))
    agents = FakeAgents(Environment("E", plan_of(planned("a", "h1"), hook)))
    lose(agents)
    assert agents.environment.model.tasks.reports == {}


def test_a_deployment_does_not_wait_for_a_host_that_is_lost_before_its_first_report():
    tasks = planned("a", "h1"), planned("b", "h2", recovery="fail")
    agents = FakeAgents(Environment("E", plan_of(*tasks)))
    agents.ask(E.DEPLOY)
    lose(agents)
    agents.take(Tick(at=agents.environment.wake_at))
    assert agents.environment.model.state is S.ERROR
    assert "h2 is lost" in agents.environment.model.error


def test_a_silent_host_has_no_effect_but_its_status():
    agents = running()
    before = agents.environment.model.tasks.tree.as_dict()
    assert agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away")) == []
    members = agents.environment.model.tasks
    assert (members.silent, members.unreachable) == ({"h2": "its agent is away"}, set())
    assert members.tree.as_dict() == before


def test_silence_ends_with_a_report_or_with_loss():
    for end in (TasksMoved(at=1.0, host="h2"), HostLost(at=1.0, host="h2", silent_s=9.0)):
        agents = running()
        agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away"))
        agents.take(end)
        assert agents.environment.model.tasks.silent == {}


def test_a_lost_host_is_not_counted_as_silent():
    agents = lose(running("ignore"))
    agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away"))
    assert agents.environment.model.tasks.silent == {}


def test_a_transition_that_fails_because_of_a_silent_host_names_the_host():
    agents = running("fail")
    agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away"))
    agents.ask(E.STOP_ACTIVITY)
    (on_h1,) = [command for command in agents.commands() if command.host == "h1"]
    agents.report(on_h1, agents.done(on_h1, "a"))
    while agents.environment.model.active and agents.environment.wake_at:
        agents.take(Tick(at=agents.environment.wake_at))
    assert "its agent is away" in agents.environment.model.error


def test_a_host_that_returns_from_silence_gets_its_missed_command():
    agents = running()
    reports = tuple(agents.environment.model.tasks.reports[task] for task in ("b", "c"))
    agents.ask(E.STOP_ACTIVITY)
    (missed,) = [command for command in agents.commands() if command.host == "h2"]
    agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away"))
    agents.take(TasksMoved(at=agents.at, host="h2", reports=reports))
    assert agents.commands() == [missed]
    agents.take(TasksMoved(at=agents.at, host="h2", reports=reports))
    assert agents.commands() == []


def test_a_host_that_acknowledged_its_command_does_not_get_the_command_again():
    agents = running()
    agents.ask(E.STOP_ACTIVITY)
    (has,) = [command for command in agents.commands() if command.host == "h2"]
    agents.take(HostSilent(at=agents.at, host="h2", reason="its agent is away"))
    agents.take(TasksMoved(at=agents.at, host="h2", accepted=has.revision))
    assert agents.commands() == []
