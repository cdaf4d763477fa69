"""A task fails in a run: what its policy, its budget and the site's rules make of it."""

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.messages.announcements import AnnounceRecovery
from salt_o2.core.messages.inputs import Modified, RecoverTask, TasksMoved, Tick
from salt_o2.core.recovery.snapshot import capture, restore
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.restarts import RestartBudget, RestartTracker, restart_budget
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

GRACE = 0.25


def running(policy="restart", critical=True, **variables):
    """a and b in run 17; b has the policy."""
    tasks = planned("a", "h1"), planned("b", "h2", critical=critical, recovery=policy)
    agents = FakeAgents(Environment("E", plan_of(*tasks, **variables)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    agents.effects.clear()
    return agents


def die(agents, task="b"):
    revision = agents.environment.model.tasks.reports[task].revision
    dead = agents.failed(task, revision=revision, reason="killed by signal 9")
    agents.take(
        TasksMoved(at=agents.at, host=agents.environment.model.tasks.tasks[task].host, reports=(dead,))
    )
    return agents


def orders(agents):
    return {
        order.task: (command.goal, bool(order.launch))
        for command in agents.commands()
        for order in command.orders
    }


def test_a_failed_task_is_restarted_and_the_run_continues():
    agents = die(running())
    assert agents.environment.model.state is S.RUNNING
    agents.wait_out()
    assert orders(agents) == {"b": (TaskState.RUNNING, True)}
    assert agents.commands()[0].arguments["run_number"] == "17"
    agents.accept_command()
    assert (agents.environment.model.state, agents.environment.model.run.number) == (S.RUNNING, 17)
    assert agents.environment.model.tasks.tree.root.state is TaskState.RUNNING


def test_the_return_of_a_restarted_task_is_announced_with_its_duration():
    agents = die(running())
    agents.wait_out()
    agents.accept_command()
    (news,) = [effect for effect in agents.effects if isinstance(effect, AnnounceRecovery)]
    assert (news.task, news.restarts, news.reason) == ("b", 1, "killed by signal 9")
    assert news.seconds >= GRACE


def test_a_rule_of_the_site_may_restart_a_task_before_its_policy():
    agents = die(running())
    agents.take(RecoverTask(at=agents.at, task="b", user="reactor"))
    assert orders(agents) == {"b": (TaskState.RUNNING, True)}


def test_a_rule_that_acts_twice_starts_the_task_once():
    agents = die(running())
    agents.take(RecoverTask(at=agents.at, task="b"))
    assert agents.take(RecoverTask(at=agents.at, task="b")) == []
    agents.take(Tick(at=agents.at + GRACE))
    assert agents.commands() == []


def test_a_rule_about_a_healthy_task_does_nothing():
    agents = running()
    assert agents.take(RecoverTask(at=agents.at, task="b")) == []


def test_a_rule_about_an_unknown_task_is_refused():
    with pytest.raises(UnknownNameError):
        running().take(RecoverTask(at=0, task="nobody"))


def test_a_task_that_is_not_critical_is_restarted_too():
    agents = die(running(critical=False))
    agents.wait_out()
    assert orders(agents) == {"b": (TaskState.RUNNING, True)}


def test_restart_delays_grow_and_an_exhausted_budget_is_an_error():
    agents = running(recovery_restarts="3", recovery_backoff_s="1")
    pauses = []
    while agents.environment.model.state is S.RUNNING and len(pauses) < 10:
        died = agents.at
        die(agents)
        if agents.environment.model.state is S.RUNNING:
            agents.wait_out()
            pauses.append(round(agents.at - died, 2))
            agents.accept_command()
    assert pauses == [0.25, 1.0, 2.0]
    assert agents.environment.model.state is S.ERROR
    assert "restarted 3 times in 30 minutes" in agents.environment.model.error


def test_old_restarts_are_forgotten_after_the_window():
    agents = running(recovery_restarts="1", recovery_window_s="60")
    die(agents).wait_out()
    agents.accept_command()
    agents.at += 61
    assert die(agents).environment.model.state is S.RUNNING


def wait_until_restarts_end(agents):
    """Let time pass, in which control resends orders, until no restart is pending."""
    for _ in range(20):
        if not agents.environment.model.restarts.pending:
            return
        agents.wait_out()
    raise AssertionError("a restart stays pending")


def test_a_hanging_restart_fails_at_its_deadline():
    agents = die(running(recovery_restarts="1", recovery_timeout_s="10"))
    agents.wait_out()
    wait_until_restarts_end(agents)
    assert agents.environment.model.state is S.ERROR


def test_a_user_who_requests_a_restart_gets_a_new_budget():
    agents = running(recovery_restarts="1", critical=False)
    die(agents).wait_out()
    agents.accept_command()
    die(agents)
    agents.take(RecoverTask(at=agents.at, task="b", user="expert"))
    assert orders(agents) == {"b": (TaskState.RUNNING, True)}


def test_the_run_continues_without_a_task_whose_policy_is_ignore():
    agents = die(running("ignore"))
    assert (agents.environment.model.state, agents.environment.wake_at) == (S.RUNNING, None)
    assert agents.environment.model.tasks.lost == {"b": "killed by signal 9"}
    agents.ask(E.STOP_ACTIVITY)
    assert set(orders(agents)) == {"a"}


def test_the_policy_stop_stops_the_run_in_order():
    agents = die(running("stop"))
    assert orders(agents) == {"a": (TaskState.CONFIGURED, False)}
    agents.accept_command()
    assert agents.environment.model.state is S.CONFIGURED


def test_the_policy_fail_leads_to_error():
    assert die(running("fail")).environment.model.state is S.ERROR


def test_a_failure_in_a_transition_fails_the_transition():
    tasks = planned("a", "h1"), planned("b", "h2", recovery="restart")
    agents = FakeAgents(Environment("E", plan_of(*tasks)))
    agents.ask(E.DEPLOY)
    command = agents.commands()[1]
    agents.report(command, agents.failed("b"))
    agents.wait_out()
    assert agents.environment.model.state is S.ERROR


def test_a_stop_during_a_restart_brings_the_task_along():
    agents = die(running())
    agents.wait_out()
    agents.ask(E.STOP_ACTIVITY)
    assert orders(agents) == {"a": (TaskState.CONFIGURED, False), "b": (TaskState.CONFIGURED, True)}
    agents.accept_command()
    assert agents.environment.model.state is S.CONFIGURED


def test_the_end_does_not_wait_for_a_restart():
    agents = die(running())
    agents.ask(E.GO_ERROR, E.EXIT).accept_command()
    assert agents.environment.model.state is S.DONE


def test_two_failed_tasks_are_restarted_independently():
    tasks = [planned(name, "h1", recovery="restart") for name in "abc"]
    agents = FakeAgents(Environment("E", plan_of(*tasks)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    reports = tuple(agents.failed(task, revision=2) for task in "ab")
    agents.take(TasksMoved(at=agents.at, host="h1", reports=reports))
    agents.wait_out()
    assert orders(agents) == {"a": (TaskState.CONFIGURED, True), "b": (TaskState.CONFIGURED, True)}


def test_a_modification_continues_while_another_task_is_restarted():
    agents = running()
    wider = plan_of(*agents.environment.model.plan.tasks, planned("c", "h1"))
    agents.take(Modified(at=agents.at, request="m", plan=wider))
    joining = agents.commands()
    die(agents)
    agents.take(Tick(at=agents.at + GRACE))
    restarting = agents.commands()
    agents.report(joining[0], agents.done(joining[0], "c"))
    assert agents.answers() == [""]
    agents.report(restarting[0], agents.done(restarting[0], "b"))
    assert agents.environment.model.tasks.tree.root.state is TaskState.RUNNING


def test_restarts_are_counted_over_a_restart_of_control():
    agents = running(recovery_restarts="1")
    die(agents).wait_out()
    agents.accept_command()
    agents.environment = restore("E", agents.environment.model.plan, capture(agents.environment))
    assert agents.environment.model.restarts.has_used_budget("b")


def test_budgets_are_read_from_variables():
    budget = restart_budget({"recovery_restarts": "7", "recovery_grace_s": "0.5"})
    assert (budget.restarts, budget.grace_s, budget.window_s) == (7, 0.5, 1800.0)


def test_a_budget_that_is_no_number_is_refused():
    with pytest.raises(InvalidRequestError):
        restart_budget({"recovery_restarts": "often"})


def test_a_rule_cannot_have_restarted_what_policy_would_not():
    agents = die(running("ignore"))
    assert agents.take(RecoverTask(at=agents.at, task="b", user="reactor", manual=False)) == []


def test_a_rule_cannot_spend_more_than_the_budget():
    agents = running(recovery_restarts="1", critical=False)
    die(agents).wait_out()
    agents.accept_command()
    die(agents)
    assert agents.take(RecoverTask(at=agents.at, task="b", manual=False)) == []


def test_each_time_of_a_restart_is_due_once_even_if_it_is_set_repeatedly():
    repairs = RestartTracker(RestartBudget())
    repairs.schedule("a", "killed", 10.0)
    repairs.schedule("a", "killed again", 10.0)
    repairs.schedule("b", "killed", 9.0)
    assert repairs.wake_at == 9.0 + GRACE
    assert repairs.due(10.0 + GRACE) == ["b", "a"]
    assert (repairs.due(10.0 + GRACE), repairs.wake_at) == ([], None)
    repairs.mark_sent("a", revision=4, at=11.0)
    assert repairs.wake_at == 11.0 + RestartBudget().timeout_s


def test_cancelled_restart_sets_no_timer():
    repairs = RestartTracker(RestartBudget())
    repairs.schedule("a", "killed", 10.0)
    repairs.cancel(["a"])
    assert (repairs.wake_at, repairs.due(1000.0)) == (None, [])


def test_thousands_of_failures_cost_no_quadratic_work(monkeypatch):
    """Counted, not timed: how often a moment is compared may grow as n log n, not as n times n."""
    looks = []
    truth = RestartTracker._is_current
    monkeypatch.setattr(RestartTracker, "_is_current", lambda *given: looks.append(1) or truth(*given))
    repairs, many = RestartTracker(RestartBudget()), 2000
    for number in range(many):
        repairs.schedule(f"t{number}", "killed", 10.0 + number / many)
        assert repairs.wake_at == 10.0 + GRACE
    assert len(repairs.due(12.0)) == many
    assert len(looks) < 5 * many


def test_restarts_that_time_out_together_lead_to_one_error_that_names_every_task():
    tasks = [planned(name, f"h{name}", recovery="restart") for name in "abc"]
    agents = FakeAgents(Environment("E", plan_of(*tasks, recovery_restarts="1")))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    for name in "bc":
        revision = agents.environment.model.tasks.reports[name].revision
        agents.take(
            TasksMoved(at=agents.at, host=f"h{name}", reports=(agents.failed(name, revision=revision),))
        )
    agents.wait_out()
    assert set(orders(agents)) == {"b", "c"}
    wait_until_restarts_end(agents)
    assert agents.environment.model.state is S.ERROR
    assert "root.b" in agents.environment.model.error
    assert "root.c" in agents.environment.model.error


def test_a_task_without_a_restart_policy_fails_the_run_although_the_budget_is_zero():
    agents = die(running("fail", recovery_restarts="0"))
    assert agents.environment.model.state is S.ERROR
    assert "started again" not in agents.environment.model.error
