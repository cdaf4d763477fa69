"""Hooks and calls: when they run, in which order, and what their failures mean."""

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import TemplateError
from salt_o2.core.messages.effects import CallIntegration, CancelCall, SendCommand
from salt_o2.core.messages.inputs import CallEnded, Tick
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import Moment, parse
from salt_o2.core.plan.plan import PlannedCall
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import ControlMode, TaskState, TaskStatus
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

TASK = planned("task", "h1")
HOOK = Launch(mode=ControlMode.HOOK, value="cleanup")


def call(trigger, until=None, **details):
    moment = parse(trigger)
    name = f"root.{trigger}"
    until = parse(until) if until else moment
    return PlannedCall(path=name, func=f"test.{trigger}()", trigger=moment, until=until, **details)


def hook(name, trigger, **details):
    return planned(name, "h1", trigger=parse(trigger), launch=HOOK, properties={}, **details)


class Stage(FakeAgents):
    """Fake agents that also play integrations and hooks; ``happened`` has all events in order."""

    def __init__(self, *tasks, calls=(), fails=(), **variables):
        super().__init__(Environment("E", plan_of(TASK, *tasks, calls=calls, **variables)))
        self.fails = fails
        self.happened = []

    def play(self, *events, **details):
        self.ask(*events, **details)
        todo = list(self.last)
        while todo:
            effect = todo.pop(0)
            match type(effect).__name__:
                case "CallIntegration":
                    self.happened.append(f"call {effect.planned.trigger}")
                    todo += self.end_call(effect)
                case "SendCommand":
                    todo += self.carry_out(effect.command)
                case "AnnounceState":
                    self.happened.append(str(effect.state))
        return self.happened

    def end_call(self, invoke, result="done"):
        failed = str(invoke.planned.trigger) in self.fails
        error = "it broke" if failed else ""
        return self.take(CallEnded(at=self.at, call=invoke.call, result=result, error=error))

    def carry_out(self, command):
        is_hook = command.orders[0].task != "task" and command.goal is TaskState.RUNNING
        if not is_hook:
            self.happened += [
                f"{order.task} {command.goal}" for order in command.orders if order.task == "task"
            ]
            return self.report(command, *(self.done(command, order.task) for order in command.orders))
        self.happened += [f"hook {order.task}" for order in command.orders]
        return self.report(command, *(self.ended(command, order.task) for order in command.orders))

    def ended(self, command, task):
        if task in self.fails:
            return self.failed(task, reason="exit code 1")
        return TaskReport(
            task=task,
            environment="E",
            revision=command.revision,
            settled=True,
            status=TaskStatus.INACTIVE,
            state=TaskState.DONE,
        )


def test_hooks_run_in_the_order_of_moments_and_weights():
    stage = Stage(
        hook("late", "after_CONFIGURE+5"),
        hook("early", "before_CONFIGURE-10"),
        calls=(call("enter_CONFIGURED"), call("leave_DEPLOYED+1"), call("before_CONFIGURE")),
    )
    stage.play(E.DEPLOY)
    stage.happened.clear()
    assert stage.play(E.CONFIGURE) == [
        "hook early",
        "call before_CONFIGURE",
        "call leave_DEPLOYED+1",
        "task CONFIGURED",
        "CONFIGURED",
        "call enter_CONFIGURED",
        "hook late",
    ]


def test_calls_of_a_moment_come_before_its_task_hooks():
    stage = Stage(hook("script", "before_CONFIGURE"), calls=(call("before_CONFIGURE"),))
    stage.play(E.DEPLOY)
    stage.happened.clear()
    assert stage.play(E.CONFIGURE)[:2] == ["call before_CONFIGURE", "hook script"]


def test_a_hook_before_deployment_runs_although_nothing_is_deployed():
    assert Stage(hook("cleanup", "before_DEPLOY")).play(E.DEPLOY)[0] == "hook cleanup"


def test_no_process_of_a_finished_hook_remains():
    stage = Stage(hook("cleanup", "before_DEPLOY"))
    stage.play(E.DEPLOY)
    goals = [e.command.goal for e in stage.effects if type(e).__name__ == "SendCommand"]
    assert goals == [TaskState.RUNNING, TaskState.DONE, TaskState.STANDBY]


def test_a_call_may_continue_until_its_awaiting_moment():
    stage = Stage(calls=(call("before_CONFIGURE", "after_CONFIGURE-1"),))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)
    (invoke,) = [effect for effect in stage.last if isinstance(effect, CallIntegration)]
    for command in stage.commands():
        stage.carry_out(command)
    assert stage.environment.model.state is S.CONFIGURED
    assert stage.answers() == [""]  # DEPLOY's; CONFIGURE still waits
    stage.end_call(invoke)
    assert stage.answers() == ["", ""]


def test_a_call_s_result_is_a_variable_of_the_calls_after_it():
    first = call("before_CONFIGURE", result="fill")
    stage = Stage(calls=(first, call("after_CONFIGURE")))
    stage.play(E.DEPLOY, E.CONFIGURE)
    last = [effect for effect in stage.effects if isinstance(effect, CallIntegration)][-1]
    assert last.variables["fill"] == "done"


@pytest.mark.parametrize("moment", ["before_CONFIGURE", "leave_DEPLOYED"])
def test_a_critical_call_that_fails_before_the_tasks_move_cancels_the_transition(moment):
    stage = Stage(calls=(call(moment),), fails=(moment,))
    stage.play(E.DEPLOY)
    happened = stage.play(E.CONFIGURE)
    assert "task CONFIGURED" not in happened
    assert stage.environment.model.state is S.ERROR
    assert "it broke" in stage.answers()[-1]


def test_a_critical_call_that_fails_after_them_leads_to_error_too():
    stage = Stage(calls=(call("after_CONFIGURE"),), fails=("after_CONFIGURE",))
    assert stage.play(E.DEPLOY, E.CONFIGURE)[-1] == "ERROR"
    assert stage.environment.model.state is S.ERROR


def test_a_call_that_is_not_critical_may_fail():
    stage = Stage(calls=(call("before_CONFIGURE", critical=False),), fails=("before_CONFIGURE",))
    stage.play(E.DEPLOY, E.CONFIGURE)
    assert (stage.environment.model.state, stage.answers()) == (S.CONFIGURED, [""])


def test_after_a_critical_failure_later_weights_do_not_run():
    stage = Stage(calls=(call("before_CONFIGURE"), call("before_CONFIGURE+1")), fails=("before_CONFIGURE",))
    happened = stage.play(E.DEPLOY, E.CONFIGURE)
    assert "call before_CONFIGURE+1" not in happened


def test_a_call_that_overruns_its_timeout_is_ended_by_us():
    stage = Stage(calls=(call("before_CONFIGURE", timeout_s=5.0),))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)
    (invoke,) = [effect for effect in stage.last if isinstance(effect, CallIntegration)]
    assert stage.environment.wake_at == pytest.approx(stage.at + 5.0)
    stage.take(Tick(at=stage.at + 5.0))
    assert CancelCall(call=invoke.call) in stage.last
    assert "exceeded its timeout of 5 s" in stage.answers()[-1]
    assert stage.environment.model.state is S.ERROR


def test_an_answer_that_comes_after_its_timeout_changes_nothing():
    stage = Stage(calls=(call("before_CONFIGURE", timeout_s=5.0),))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)
    (invoke,) = [effect for effect in stage.last if isinstance(effect, CallIntegration)]
    stage.take(Tick(at=stage.at + 5.0))
    assert stage.end_call(invoke) == []


def test_a_critical_hook_that_fails_cancels_the_transition_with_its_exit_code():
    stage = Stage(hook("check", "before_CONFIGURE"), fails=("check",))
    stage.play(E.DEPLOY, E.CONFIGURE)
    assert stage.environment.model.state is S.ERROR
    assert "exit code 1" in stage.answers()[-1]


def test_a_hook_that_is_not_critical_may_fail():
    stage = Stage(hook("check", "before_CONFIGURE", critical=False), fails=("check",))
    stage.play(E.DEPLOY, E.CONFIGURE)
    assert stage.environment.model.state is S.CONFIGURED


def test_a_hook_that_overruns_its_timeout_is_ended_by_us():
    stage = Stage(hook("stuck", "before_CONFIGURE", timeout_s=3.0))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)
    (command,) = stage.commands()
    alive = TaskReport(
        task="stuck",
        environment="E",
        revision=command.revision,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
    )
    stage.report(command, alive)
    stage.take(Tick(at=stage.environment.model.wait.deadline))
    assert TaskState.DONE in {c.goal for c in stage.commands() for order in c.orders if order.task == "stuck"}
    assert stage.environment.model.state is S.ERROR


def test_a_hook_cut_short_by_the_end_is_ended_though_control_is_restarted_meanwhile():
    stage = Stage(hook("check", "before_CONFIGURE"))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)  # its host has not answered, and control does not know whether it runs
    stage.ask(E.EXIT)
    ended = snapshot.capture(stage.environment)
    again = FakeAgents(snapshot.restore("E", stage.environment.model.plan, ended))
    again.take(snapshot.resume(ended, stage.environment.model.plan, again.at))
    again.accept_command()
    assert again.environment.model.state is S.DONE
    orders = [
        (o.task, e.command.goal)
        for e in again.effects
        if isinstance(e, SendCommand)
        for o in e.command.orders
    ]
    assert ("check", TaskState.DONE) in orders


def test_the_order_to_end_a_hook_is_repeated_until_its_host_obeys():
    stage = Stage(hook("check", "before_CONFIGURE"))
    stage.play(E.DEPLOY)
    stage.ask(E.CONFIGURE)
    (start,) = stage.commands()
    stage.report(start, stage.ended(start, "check"))  # and now it is asked to clear away what is left
    assert snapshot.capture(stage.environment).hooks == ("check",)
    (clear,) = stage.commands()
    stage.report(clear, stage.done(clear, "check"))
    assert snapshot.capture(stage.environment).hooks == ()


def test_hooks_of_the_end_run_after_all_tasks_have_ended_and_cannot_prevent_the_end():
    stage = Stage(hook("sweep", "DESTROY"), calls=(call("after_DESTROY"),), fails=("sweep", "after_DESTROY"))
    stage.play(E.DEPLOY)
    stage.happened.clear()
    assert stage.play(E.EXIT) == ["task DONE", "hook sweep", "DONE", "call after_DESTROY"]
    assert stage.environment.model.state is S.DONE


def test_hooks_of_go_error_run_on_the_way_to_error():
    stage = Stage(calls=(call("before_GO_ERROR"), call("after_GO_ERROR")))
    stage.play(E.DEPLOY, E.CONFIGURE)
    stage.happened.clear()
    assert stage.play(E.GO_ERROR) == ["call before_GO_ERROR", "ERROR", "call after_GO_ERROR"]


def test_the_run_s_variables_are_there_for_calls_before_the_start():
    stage = Stage(calls=(call("before_START_ACTIVITY+10"),))
    stage.play(E.DEPLOY, E.CONFIGURE)
    stage.play(E.START_ACTIVITY, run_number=17)
    (invoke,) = [effect for effect in stage.effects if isinstance(effect, CallIntegration)]
    assert invoke.variables["run_number"] == "17"
    assert invoke.variables["run_start_time_ms"]


def test_negative_weights_come_before_the_run_s_variables():
    stage = Stage(calls=(call("before_START_ACTIVITY-10"),))
    stage.play(E.DEPLOY, E.CONFIGURE)
    stage.play(E.START_ACTIVITY, run_number=17)
    (invoke,) = [effect for effect in stage.effects if isinstance(effect, CallIntegration)]
    assert "run_number" not in invoke.variables


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("before_DEPLOY", Moment("before_DEPLOY", 0)),
        ("after_STOP_ACTIVITY-50", Moment("after_STOP_ACTIVITY", -50)),
        (" enter_RUNNING+7 ", Moment("enter_RUNNING", 7)),
    ],
)
def test_moments_are_read_as_templates_write_them(text, moment):
    assert parse(text) == moment


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("before_DEPLOY+x", "not a moment"),
        ("before_DEPLOYY", "did you mean before_DEPLOY"),
        ("", "not a moment"),
        ("before_DEPLOY+1.5", "not a moment"),
    ],
)
def test_an_invalid_moment_is_refused(text, why):
    with pytest.raises(TemplateError, match=why):
        parse(text)


def test_calls_that_time_out_together_are_cancelled_although_the_first_ends_the_environment():
    calls = tuple(
        PlannedCall(path=f"root.{name}", func="t.arm()", trigger=parse("before_DEPLOY"), until=parse(until))
        for name, until in (("first", "after_CONFIGURE"), ("second", "before_DEPLOY"))
    )
    agents = FakeAgents(Environment("E", plan_of(calls=calls)))
    agents.ask(E.DEPLOY, undo=True)
    agents.at += 100.0
    agents.take(Tick(at=agents.at))
    assert agents.environment.model.state is S.DONE
    assert sorted(effect.call for effect in agents.last if isinstance(effect, CancelCall)) == [
        "root.first#1",
        "root.second#2",
    ]


@pytest.mark.parametrize("kind", ["hook", "call"])
def test_the_failure_of_a_hook_that_is_not_critical_is_a_warning_of_the_environment(kind):
    failing = {
        "hook": Stage(hook("check", "before_CONFIGURE", critical=False), fails=("check",)),
        "call": Stage(calls=(call("before_CONFIGURE", critical=False),), fails=("before_CONFIGURE",)),
    }
    stage, reason = failing[kind], {"hook": "exit code 1", "call": "it broke"}[kind]
    stage.play(E.DEPLOY, E.CONFIGURE)
    (warning,) = stage.environment.model.warnings
    assert warning.startswith("during CONFIGURE of environment E, not critical: ")
    assert reason in warning


def test_the_warnings_end_with_the_next_request_and_outlive_a_restart_of_control():
    stage = Stage(hook("check", "before_CONFIGURE", critical=False), fails=("check",))
    stage.play(E.DEPLOY, E.CONFIGURE)
    known = snapshot.capture(stage.environment)
    assert snapshot.restore("E", stage.environment.model.plan, known).model.warnings == known.warnings != ()
    stage.play(E.RESET)
    assert stage.environment.model.warnings == ()


def test_without_a_failure_there_is_no_warning():
    stage = Stage(hook("check", "before_CONFIGURE", critical=False))
    stage.play(E.DEPLOY, E.CONFIGURE)
    assert stage.environment.model.warnings == ()


def arguments_of(stage, name):
    """The arguments of the order that starts a hook."""
    (command,) = [
        effect.command
        for effect in stage.effects
        if isinstance(effect, SendCommand) and any(o.task == name and o.launch for o in effect.command.orders)
    ]
    return command.arguments


@pytest.mark.parametrize("moment", ["before_START_ACTIVITY", "after_START_ACTIVITY", "before_STOP_ACTIVITY"])
def test_a_hook_during_a_run_learns_the_number_of_the_run(moment):
    stage = Stage(hook("check", moment), run_type="PHYSICS")
    stage.play(E.DEPLOY, E.CONFIGURE)
    stage.play(E.START_ACTIVITY, run_number=17)
    stage.play(E.STOP_ACTIVITY)
    given = arguments_of(stage, "check")
    assert given["run_number"] == "17"
    assert given["run_start_time_ms"].isdigit()
    assert moment == "before_START_ACTIVITY" or given["run_type"] == "PHYSICS"


def test_a_hook_after_a_run_learns_the_number_of_the_last_run_and_its_end():
    stage = Stage(hook("check", "after_STOP_ACTIVITY"))
    stage.play(E.DEPLOY, E.CONFIGURE)
    stage.play(E.START_ACTIVITY, run_number=17)
    stage.play(E.STOP_ACTIVITY)
    given = arguments_of(stage, "check")
    assert given["last_run_number"] == "17"
    assert given["run_end_time_ms"].isdigit()
    assert "run_number" not in given


def test_a_hook_before_any_run_learns_of_no_run():
    stage = Stage(hook("check", "before_CONFIGURE"))
    stage.play(E.DEPLOY, E.CONFIGURE)
    assert arguments_of(stage, "check") == {}
