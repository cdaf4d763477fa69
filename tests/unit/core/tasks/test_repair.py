"""A task fails in a run: what its policy, its budget and the site's rules make of it."""

import pytest
from crew import Crew, plan_of, planned

from salt_o2.core.environment import Environment
from salt_o2.core.errors import InvalidRequest, UnknownName
from salt_o2.core.messages.announcements import AnnounceRecovery
from salt_o2.core.messages.inputs import Modified, RecoverTask, TasksMoved, Tick
from salt_o2.core.recovery.snapshot import restore, take
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.restarts import Budget, Repairs, budget_of

GRACE = 0.25


def running(policy="restart", critical=True, **variables):
    """a and b in run 17; b has the policy."""
    tasks = planned("a", "h1"), planned("b", "h2", critical=critical, recovery=policy)
    crew = Crew(Environment("E", plan_of(*tasks, **variables)))
    crew.ask(E.DEPLOY, E.CONFIGURE).obey().ask(E.START_ACTIVITY, run_number=17).obey()
    crew.effects.clear()
    return crew


def die(crew, task="b"):
    revision = crew.environment.members.reports[task].revision
    dead = crew.failed(task, revision=revision, reason="killed by signal 9")
    crew.take(TasksMoved(at=crew.at, host=crew.environment.members.tasks[task].host, reports=(dead,)))
    return crew


def orders(crew):
    return {
        order.task: (command.goal, bool(order.launch))
        for command in crew.commands()
        for order in command.orders
    }


def test_a_failed_task_is_started_again_and_the_run_goes_on():
    crew = die(running())
    assert crew.environment.state is S.RUNNING
    crew.wait_out()
    assert orders(crew) == {"b": (TaskState.RUNNING, True)}
    assert crew.commands()[0].arguments["run_number"] == "17"
    crew.obey()
    assert (crew.environment.state, crew.environment.run_number) == (S.RUNNING, 17)
    assert crew.environment.members.tree.root.state is TaskState.RUNNING


def test_its_return_is_announced_with_how_long_it_took():
    crew = die(running())
    crew.wait_out()
    crew.obey()
    (news,) = [effect for effect in crew.effects if isinstance(effect, AnnounceRecovery)]
    assert (news.task, news.restarts, news.reason) == ("b", 1, "killed by signal 9")
    assert news.seconds >= GRACE


def test_the_site_s_rules_may_act_first():
    crew = die(running())
    crew.take(RecoverTask(at=crew.at, task="b", user="reactor"))
    assert orders(crew) == {"b": (TaskState.RUNNING, True)}


def test_a_rule_that_acts_twice_starts_the_task_once():
    crew = die(running())
    crew.take(RecoverTask(at=crew.at, task="b"))
    assert crew.take(RecoverTask(at=crew.at, task="b")) == []
    crew.take(Tick(at=crew.at + GRACE))
    assert crew.commands() == []


def test_a_rule_about_a_healthy_task_does_nothing():
    crew = running()
    assert crew.take(RecoverTask(at=crew.at, task="b")) == []


def test_a_rule_about_a_stranger_is_refused():
    with pytest.raises(UnknownName):
        running().take(RecoverTask(at=0, task="nobody"))


def test_a_task_that_nobody_needs_is_started_again_too():
    crew = die(running(critical=False))
    crew.wait_out()
    assert orders(crew) == {"b": (TaskState.RUNNING, True)}


def test_the_pauses_grow_and_after_the_budget_it_is_an_error():
    crew = running(recovery_restarts="3", recovery_backoff_s="1")
    pauses = []
    while crew.environment.state is S.RUNNING and len(pauses) < 10:
        died = crew.at
        die(crew)
        if crew.environment.state is S.RUNNING:
            crew.wait_out()
            pauses.append(round(crew.at - died, 2))
            crew.obey()
    assert pauses == [0.25, 1.0, 2.0]
    assert crew.environment.state is S.ERROR
    assert "started again 3 times in 30 minutes" in crew.environment.error


def test_old_restarts_are_forgotten_after_the_window():
    crew = running(recovery_restarts="1", recovery_window_s="60")
    die(crew).wait_out()
    crew.obey()
    crew.at += 61
    assert die(crew).environment.state is S.RUNNING


def test_a_restart_that_hangs_is_given_up_in_time():
    crew = die(running(recovery_restarts="1", recovery_timeout_s="10"))
    crew.wait_out()
    crew.wait_out()
    assert crew.environment.state is S.ERROR


def test_somebody_who_asks_by_name_gets_another_try():
    crew = running(recovery_restarts="1", critical=False)
    die(crew).wait_out()
    crew.obey()
    die(crew)
    crew.take(RecoverTask(at=crew.at, task="b", user="expert"))
    assert orders(crew) == {"b": (TaskState.RUNNING, True)}


def test_ignored_means_that_the_run_goes_on_without_it():
    crew = die(running("ignore"))
    assert (crew.environment.state, crew.environment.wake_at) == (S.RUNNING, None)
    assert crew.environment.members.lost == {"b": "killed by signal 9"}
    crew.ask(E.STOP_ACTIVITY)
    assert set(orders(crew)) == {"a"}


def test_stop_means_that_the_run_is_stopped_in_order():
    crew = die(running("stop"))
    assert orders(crew) == {"a": (TaskState.CONFIGURED, False)}
    crew.obey()
    assert crew.environment.state is S.CONFIGURED


def test_fail_means_error():
    assert die(running("fail")).environment.state is S.ERROR


def test_a_failure_in_a_transition_is_the_transition_s():
    tasks = planned("a", "h1"), planned("b", "h2", recovery="restart")
    crew = Crew(Environment("E", plan_of(*tasks)))
    crew.ask(E.DEPLOY)
    command = crew.commands()[1]
    crew.report(command, crew.failed("b"))
    crew.wait_out()
    assert crew.environment.state is S.ERROR


def test_a_stop_during_a_restart_brings_the_task_along():
    crew = die(running())
    crew.wait_out()
    crew.ask(E.STOP_ACTIVITY)
    assert orders(crew) == {"a": (TaskState.CONFIGURED, False), "b": (TaskState.CONFIGURED, True)}
    crew.obey()
    assert crew.environment.state is S.CONFIGURED


def test_the_end_does_not_wait_for_a_restart():
    crew = die(running())
    crew.ask(E.GO_ERROR, E.EXIT).obey()
    assert crew.environment.state is S.DONE


def test_two_tasks_are_brought_back_at_once_and_by_themselves():
    tasks = [planned(name, "h1", recovery="restart") for name in "abc"]
    crew = Crew(Environment("E", plan_of(*tasks)))
    crew.ask(E.DEPLOY, E.CONFIGURE).obey()
    reports = tuple(crew.failed(task, revision=2) for task in "ab")
    crew.take(TasksMoved(at=crew.at, host="h1", reports=reports))
    crew.wait_out()
    assert orders(crew) == {"a": (TaskState.CONFIGURED, True), "b": (TaskState.CONFIGURED, True)}


def test_a_modification_goes_on_while_another_task_is_brought_back():
    crew = running()
    wider = plan_of(*crew.environment.plan.tasks, planned("c", "h1"))
    crew.take(Modified(at=crew.at, request="m", plan=wider))
    joining = crew.commands()
    die(crew)
    crew.take(Tick(at=crew.at + GRACE))
    restarting = crew.commands()
    crew.report(joining[0], crew.done(joining[0], "c"))
    assert crew.answers() == [""]
    crew.report(restarting[0], crew.done(restarting[0], "b"))
    assert crew.environment.members.tree.root.state is TaskState.RUNNING


def test_restarts_are_counted_over_a_restart_of_control():
    crew = running(recovery_restarts="1")
    die(crew).wait_out()
    crew.obey()
    crew.environment = restore("E", crew.environment.plan, take(crew.environment))
    assert crew.environment.repairs.is_exhausted("b")


def test_budgets_are_read_from_variables():
    budget = budget_of({"recovery_restarts": "7", "recovery_grace_s": "0.5"})
    assert (budget.restarts, budget.grace_s, budget.window_s) == (7, 0.5, 1800.0)


def test_a_budget_that_is_no_number_is_refused():
    with pytest.raises(InvalidRequest):
        budget_of({"recovery_restarts": "often"})


def test_a_rule_cannot_have_restarted_what_policy_would_not():
    crew = die(running("ignore"))
    assert crew.take(RecoverTask(at=crew.at, task="b", user="reactor", by_hand=False)) == []


def test_a_rule_cannot_spend_more_than_the_budget():
    crew = running(recovery_restarts="1", critical=False)
    die(crew).wait_out()
    crew.obey()
    die(crew)
    assert crew.take(RecoverTask(at=crew.at, task="b", by_hand=False)) == []


def test_every_moment_of_a_repair_is_told_once_however_often_it_was_set():
    repairs = Repairs(Budget())
    repairs.admit("a", "killed", 10.0)
    repairs.admit("a", "killed again", 10.0)
    repairs.admit("b", "killed", 9.0)
    assert repairs.wake_at == 9.0 + GRACE
    assert repairs.due(10.0 + GRACE) == ["b", "a"]
    assert (repairs.due(10.0 + GRACE), repairs.wake_at) == ([], None)
    repairs.sent("a", revision=4, at=11.0)
    assert repairs.wake_at == 11.0 + Budget().timeout_s


def test_what_is_not_repaired_any_more_wakes_nobody():
    repairs = Repairs(Budget())
    repairs.admit("a", "killed", 10.0)
    repairs.open.clear()
    assert (repairs.wake_at, repairs.due(1000.0)) == (None, [])


def test_thousands_of_failures_are_never_looked_at_one_by_one_for_each(monkeypatch):
    """Counted, not timed: how often a moment is compared may grow as n log n, not as n times n."""
    looks = []
    truth = Repairs._is_true
    monkeypatch.setattr(Repairs, "_is_true", lambda *given: looks.append(1) or truth(*given))
    repairs, many = Repairs(Budget()), 2000
    for number in range(many):
        repairs.admit(f"t{number}", "killed", 10.0 + number / many)
        assert repairs.wake_at == 10.0 + GRACE
    assert len(repairs.due(12.0)) == many
    assert len(looks) < 5 * many
