"""Hooks and calls: what happens around a transition, as templates say it (aliecs.md A1.3, A3.3)."""

import pytest

from salt_o2.core.codec import plain, typed
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import Plan
from salt_o2.core.states import ControlMode
from tests.support.builders.templates import expand, plan, problems

CLEANER = """
name: cleaner
control: {mode: basic}
command: {value: /bin/true}
properties: {a: b}
"""


def role(body: str, head: str = "") -> str:
    return f"name: root\n{head}\nroles:\n  - {{name: x, {body}}}\n"


def the_task(body: str, head: str = ""):
    (task,) = plan(expand(role(body, head), {"cleaner": CLEANER})).tasks
    return task


def the_call(body: str, head: str = ""):
    (call,) = plan(expand(role(f"call: {{{body}}}", head))).calls
    return call


def test_a_task_with_a_trigger_is_a_hook():
    task = the_task("task: {load: cleaner, trigger: before_CONFIGURE-10}")
    assert (task.trigger, task.launch.mode) == (Moment("before_CONFIGURE", -10), ControlMode.HOOK)
    assert (task.critical, task.timeout_s) == (True, 30.0)


def test_a_task_without_a_trigger_is_none():
    assert the_task("task: {load: cleaner}").trigger is None


@pytest.mark.parametrize("of_class", ["cleaner", "plain"])
def test_a_hook_has_no_control_port_no_channels_and_no_properties(of_class):
    channels = "bind: [{name: data, type: push}], "
    task = the_task(channels + f"task: {{load: {of_class}, trigger: DESTROY}}")
    assert (task.launch.mode, task.launch.control_port) == (ControlMode.HOOK, None)
    assert (task.launch.arguments, task.ports, task.properties) == ((), (), {})


@pytest.mark.parametrize(
    ("written", "seconds"), [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ('"{{ t }}s"', 7)]
)
def test_timeouts_are_gos_durations(written, seconds):
    head = "vars: {t: 7}"
    hook = f"task: {{load: cleaner, trigger: DESTROY, timeout: {written}}}"
    assert the_task(hook, head).timeout_s == seconds
    assert the_call(f"func: f(), trigger: DESTROY, timeout: {written}", head).timeout_s == seconds


def test_the_await_of_a_hook_means_nothing():
    task = the_task("task: {load: cleaner, trigger: before_CONFIGURE, await: after_CONFIGURE}")
    assert task.trigger == Moment("before_CONFIGURE")


def test_a_hook_can_be_uncritical():
    assert the_task("task: {load: cleaner, trigger: DESTROY, critical: false}").critical is False


def test_a_call_has_the_defaults_of_the_original():
    call = the_call("func: trg.RunStart(), trigger: after_START_ACTIVITY-10")
    assert (call.path, call.func) == ("root.x", "trg.RunStart()")
    assert call.trigger == call.until == Moment("after_START_ACTIVITY", -10)
    assert (call.result, call.timeout_s, call.critical) == ("", 30.0, True)


def test_a_call_has_the_trigger_the_await_and_the_return_of_its_template():
    call = the_call(
        "func: odc.Start(), trigger: before_START_ACTIVITY+100, await: after_START_ACTIVITY-10, "
        "timeout: 60s, critical: false, return: started"
    )
    assert (call.trigger, call.until) == (
        Moment("before_START_ACTIVITY", 100),
        Moment("after_START_ACTIVITY", -10),
    )
    assert (call.result, call.timeout_s, call.critical) == ("started", 60.0, False)


def test_a_call_has_the_variables_of_its_role():
    call = the_call("func: f(), trigger: DESTROY", "vars: {a: 1}\ndefaults: {b: 2}")
    assert (call.variables["a"], call.variables["b"]) == ("1", "2")


def test_trigger_await_return_and_func_are_templated():
    call = the_call(
        'func: "{{ what }}.Go()", trigger: "before_{{ e }}", await: "after_{{ e }}", return: "{{ what }}_r"',
        "vars: {e: CONFIGURE, what: odc}",
    )
    assert (call.func, call.result) == ("odc.Go()", "odc_r")
    assert (str(call.trigger), str(call.until)) == ("before_CONFIGURE", "after_CONFIGURE")


def test_a_call_role_is_a_leaf_without_a_task():
    planned = plan(expand(role("call: {func: f(), trigger: DESTROY}")))
    assert [(leaf.path, leaf.task) for leaf in planned.root.roles] == [("root.x", None)]
    assert typed(plain(planned), Plan) == planned


def test_an_iterator_makes_calls():
    found = expand(
        role(
            'name: "c{{ i }}", for: {begin: 1, end: 2, var: i}, call: {func: "f({{i}})", trigger: DESTROY}'
        ).replace("name: x, ", "")
    )
    assert [(call.path, call.func) for call in found.calls] == [("root.c1", "f(1)"), ("root.c2", "f(2)")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("call: {func: f()}", "call has no trigger"),
        ("call: {trigger: DESTROY}", "call has no func"),
        ("call: {func: f(, trigger: DESTROY}", "func: {{f(}} is not an expression"),
        ("call: {func: f(), trigger: before_CONFIGUR}", "(did you mean before_CONFIGURE?)"),
        ("call: {func: f(), trigger: before_CONFIGURE+x}", "is not a moment"),
        ("call: {func: f(), trigger: before_CONFIGURE+1.5}", "is not a moment"),
        ("call: {func: f(), trigger: DESTROY, await: nothing}", "unknown moment 'nothing'"),
        ("call: {func: f(), trigger: DESTROY, timeout: 30}", "timeout: '30' is not a duration"),
        ("call: {func: f(), trigger: DESTROY, until: x}", "unknown key until in call"),
        ("task: {load: cleaner, trigger: after_CONFIGURE+}", "is not a moment"),
        ("task: {load: cleaner, timeout: soon}", "timeout: 'soon' is not a duration"),
        ("task: {load: cleaner}, tolerate: 1", "tolerate is for roles with children"),
    ],
)
def test_a_nonsensical_value_is_named(body, message):
    found = problems(role(body), {"cleaner": CLEANER})
    assert any(message in problem for problem in found), found


def test_the_bare_name_of_an_event_is_accepted_as_a_moment_with_a_note():
    found = expand(role("call: {func: testplugin.Noop(), trigger: CONFIGURE}"))
    (note,) = found.notes
    assert note.startswith("workflows/w.yaml:4: root.x: CONFIGURE is not a moment")


LEAVES = "roles:\n" + "".join(f"  - {{name: c{n}, task: {{load: plain}}}}\n" for n in range(7))


@pytest.mark.parametrize(
    ("written", "losses"),
    [
        ("2", 2),
        ("0.2", 1),
        ("20%", 1),
        ("50%", 3),
        ("1.0", 7),
        ("100%", 7),
        ("9", 7),
        ("0", 0),
        ('"{{n}}"', 3),
    ],
)
def test_a_role_tolerates_a_number_or_a_part_of_its_children_rounded_down(written, losses):
    found = plan(expand(f"name: root\nvars: {{n: 3}}\ntolerate: {written}\n{LEAVES}"))
    assert found.root.tolerate == losses


@pytest.mark.parametrize("written", ["-1", "1.5", "200%", "some", "20 percent"])
def test_a_count_that_cannot_be_tolerated_is_reported(written):
    (found,) = problems(f"name: root\ntolerate: '{written}'\n{LEAVES}")
    assert "tolerate must be a number" in found


def test_a_role_belongs_to_the_detector_of_its_variables():
    source = """
    name: root
    roles:
      - name: its
        vars: {detector: ITS}
        roles: [{name: a, task: {load: plain}}]
      - {name: b, task: {load: plain}}
    """
    root = plan(expand(source)).root
    assert (root.detector, root.roles[0].detector, root.roles[1].detector) == ("", "ITS", "")
    assert root.roles[0].roles[0].detector == "ITS"
