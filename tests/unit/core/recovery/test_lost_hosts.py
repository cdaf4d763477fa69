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
    crew = FakeAgents(Environment("E", plan_of(*tasks, tolerate=tolerate)))
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    crew.effects.clear()
    return crew


def lose(crew, host="h2"):
    crew.take(HostLost(at=crew.at, host=host, silent_s=3.0))
    return crew


def told(crew):
    return {order.task: command.goal for command in crew.commands() for order in command.orders}


def test_what_ran_on_a_lost_host_is_unknown_and_not_running():
    members = lose(running()).environment.model.tasks
    assert members.reports["b"].state is TaskState.UNKNOWN
    assert members.reports["b"].status is TaskStatus.INACTIVE


def test_another_host_is_looked_for_while_the_run_goes_on():
    crew = lose(running())
    assert [effect.tasks for effect in crew.last if isinstance(effect, Reschedule)] == [("b", "c")]
    assert crew.environment.model.state is S.RUNNING


def test_tasks_that_are_placed_anew_join_and_nothing_is_sent_to_the_lost_host():
    crew = lose(running())
    a = crew.environment.model.plan.tasks[0]
    anew = plan_of(a, planned("b2", "h1"), planned("c2", "h3"))
    crew.take(Modified(at=crew.at, request="m", plan=anew))
    assert {command.host for command in crew.commands()} == {"h1", "h3"}
    crew.accept_command()
    assert (crew.environment.model.state, crew.environment.model.run.number) == (S.RUNNING, 17)
    assert set(crew.environment.model.tasks.tasks) == {"a", "b2", "c2"}
    assert crew.environment.model.tasks.tree.root.state is TaskState.RUNNING


def test_only_peers_whose_addresses_changed_are_reconfigured():
    crew = lose(running())
    a = replace(crew.environment.model.plan.tasks[0], properties={"chans.data.0.address": "tcp://h3:9000"})
    crew.take(Modified(at=crew.at, request="m", plan=plan_of(a, planned("b2", "h3"), planned("c2", "h3"))))
    assert told(crew) == {"a": TaskState.RUNNING, "b2": TaskState.RUNNING, "c2": TaskState.RUNNING}


def test_tasks_bound_to_the_lost_host_make_an_error():
    crew = lose(running())
    crew.take(RescheduleFailed(at=crew.at, tasks=("b", "c"), reason="bound to h2"))
    assert crew.environment.model.state is S.ERROR
    assert "bound to h2" in crew.environment.model.error


def test_their_loss_may_be_tolerated():
    crew = lose(running(tolerate=2))
    crew.take(RescheduleFailed(at=crew.at, tasks=("b", "c"), reason="bound to h2"))
    assert crew.environment.model.state is S.RUNNING
    assert set(crew.environment.model.tasks.lost) == {"b", "c"}


def test_where_policy_says_fail_nobody_looks_for_another_host():
    assert lose(running("fail")).environment.model.state is S.ERROR


def test_where_policy_says_ignore_the_run_goes_on_without_them():
    crew = lose(running("ignore"))
    assert crew.environment.model.state is S.RUNNING
    crew.ask(E.STOP_ACTIVITY)
    assert set(told(crew)) == {"a"}


def test_a_host_that_comes_back_with_its_tasks_running_brings_them_back():
    crew = running(tolerate=2)
    reports = tuple(crew.environment.model.tasks.reports[task] for task in ("b", "c"))
    lose(crew)
    crew.take(RescheduleFailed(at=crew.at, tasks=("b", "c"), reason="bound to h2"))
    crew.take(TasksMoved(at=crew.at, host="h2", reports=reports))
    members = crew.environment.model.tasks
    assert (members.lost, members.unreachable) == ({}, set())
    assert members.tree.root.state is TaskState.RUNNING
    crew.ask(E.STOP_ACTIVITY)
    assert set(told(crew)) == {"a", "b", "c"}


def test_a_transition_does_not_wait_for_a_host_that_is_lost():
    crew = running("ignore", tolerate=2)
    crew.ask(E.STOP_ACTIVITY)
    (on_h1,) = [command for command in crew.commands() if command.host == "h1"]
    crew.report(on_h1, crew.done(on_h1, "a"))
    lose(crew)
    assert crew.environment.model.state is S.CONFIGURED


def test_the_end_does_not_wait_for_it_either():
    crew = running()
    crew.ask(E.STOP_ACTIVITY).accept_command().ask(E.EXIT)
    (on_h1,) = [command for command in crew.commands() if command.host == "h1"]
    crew.report(on_h1, crew.done(on_h1, "a"))
    lose(crew)
    assert crew.environment.model.state is S.DONE


def test_a_host_without_our_tasks_may_be_lost_unnoticed():
    assert lose(running(), "h9").last == []


def restarted(crew):
    """The same environment as control takes it up: nothing was heard of its tasks yet."""
    old = crew.environment.model
    again = FakeAgents(snapshot.restore(old.id, old.plan, snapshot.take(crew.environment)))
    again.at = crew.at
    return again


def test_a_host_that_was_lost_while_control_was_down_is_done_without_too():
    crew = lose(restarted(running()))
    assert [effect.tasks for effect in crew.last if isinstance(effect, Reschedule)] == [("b", "c")]


def test_of_who_was_leaving_when_control_was_killed_nothing_is_taken_up_as_lost_or_excluded():
    plan = plan_of(planned("a", "h1"), planned("b", "h1"))
    known = snapshot.Snapshot(
        state=S.ERROR,
        revision=3,
        lost={"a": "host h1 is lost", "leaver": "host h1 is lost"},
        excluded={"b": "noisy", "other-leaver": "noisy"},
    )
    members = snapshot.restore("E", plan, known).model.tasks
    assert (set(members.lost), set(members.excluded)) == ({"a"}, {"b"})


def test_hooks_of_a_lost_host_that_never_ran_are_missed_by_nobody():
    hook = planned("b", "h2", trigger=Moment("before_CONFIGURE"))
    crew = FakeAgents(Environment("E", plan_of(planned("a", "h1"), hook)))
    lose(crew)
    assert crew.environment.model.tasks.reports == {}


def test_a_deployment_does_not_wait_for_a_host_that_was_lost_before_it_said_a_word():
    tasks = planned("a", "h1"), planned("b", "h2", recovery="fail")
    crew = FakeAgents(Environment("E", plan_of(*tasks)))
    crew.ask(E.DEPLOY)
    lose(crew)
    crew.take(Tick(at=crew.environment.wake_at))
    assert crew.environment.model.state is S.ERROR
    assert "h2 is lost" in crew.environment.model.error


def test_nothing_follows_from_silence_but_that_it_is_known():
    crew = running()
    before = crew.environment.model.tasks.tree.as_dict()
    assert crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away")) == []
    members = crew.environment.model.tasks
    assert (members.silent, members.unreachable) == ({"h2": "its agent is away"}, set())
    assert members.tree.as_dict() == before


def test_silence_ends_with_a_report_or_with_loss():
    for end in (TasksMoved(at=1.0, host="h2"), HostLost(at=1.0, host="h2", silent_s=9.0)):
        crew = running()
        crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away"))
        crew.take(end)
        assert crew.environment.model.tasks.silent == {}


def test_a_lost_host_is_not_silent_any_more():
    crew = lose(running("ignore"))
    crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away"))
    assert crew.environment.model.tasks.silent == {}


def test_a_transition_that_fails_because_of_a_silent_host_says_so():
    crew = running("fail")
    crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away"))
    crew.ask(E.STOP_ACTIVITY)
    (on_h1,) = [command for command in crew.commands() if command.host == "h1"]
    crew.report(on_h1, crew.done(on_h1, "a"))
    while crew.environment.model.active and crew.environment.wake_at:
        crew.take(Tick(at=crew.environment.wake_at))
    assert "its agent is away" in crew.environment.model.error


def test_a_host_that_is_back_from_silence_is_told_what_it_has_missed():
    crew = running()
    reports = tuple(crew.environment.model.tasks.reports[task] for task in ("b", "c"))
    crew.ask(E.STOP_ACTIVITY)
    (missed,) = [command for command in crew.commands() if command.host == "h2"]
    crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away"))
    crew.take(TasksMoved(at=crew.at, host="h2", reports=reports))
    assert crew.commands() == [missed]
    crew.take(TasksMoved(at=crew.at, host="h2", reports=reports))
    assert crew.commands() == []


def test_a_host_that_has_its_command_is_not_told_again():
    crew = running()
    crew.ask(E.STOP_ACTIVITY)
    (has,) = [command for command in crew.commands() if command.host == "h2"]
    crew.take(HostSilent(at=crew.at, host="h2", reason="its agent is away"))
    crew.take(TasksMoved(at=crew.at, host="h2", accepted=has.revision))
    assert crew.commands() == []
