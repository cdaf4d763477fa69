"""Task templates: what they may say, and what they come to for a task in its place."""

import pytest

from salt_o2.core.placement.constraints import ResourceDemand
from salt_o2.core.plan.launch import Limits
from salt_o2.core.states import ControlMode
from salt_o2.workflow.expansion.task_rendering import render
from salt_o2.workflow.problems import Problems
from tests.support.builders.templates import expand, problems

ROOT = "name: root\ndefaults: {role_default: r}\nroles: [{name: x, task: {load: t}}]\n"
SPECIALS = {
    "task_id": "T0",
    "task_name": "t#T0",
    "task_class_name": "t",
    "task_hostname": "flp1",
    "task_parent_role": "root.x",
    "environment_id": "ENV",
    "control_port": "30000",
}


def task(template: str, **settings):
    return expand(ROOT, {"t": f"name: t\n{template}"}, **settings).tasks[0]


def rendered(template: str, **settings):
    noted = Problems()
    found = render(task(template, **settings), SPECIALS, noted)
    noted.raise_any()
    return found


def faults(template: str) -> list[str]:
    return problems(ROOT, {"t": f"name: t\n{template}"})


def test_all_keys_of_a_template_are_read():
    found = task(
        """
description: everything
defaults: {a: 1}
vars: {b: 2}
control: {mode: direct}
wants: {cpu: "0.5", memory: 128, ports: "80-82"}
limits: {cpu: 1, memory: 256}
bind:
- {name: i, type: pull, transport: zeromq, addressing: ipc, sndBufSize: 1, rcvBufSize: "2", global: g}
connect: [{name: o, type: push, target: "tcp://a:1"}]
properties: {p: q}
constraints: [{attribute: c, value: d}]
command: {shell: "true", value: v, arguments: [x], env: [A=b], user: u, stdout: all, stderr: none}
"""
    )
    assert found.mode is ControlMode.DIRECT
    assert found.wants == ResourceDemand(cpu=0.5, memory_mb=128, ports=(80, 81, 82))
    assert found.template.limits == Limits(cpu=1, memory_mb=256)
    assert found.template.command.shell is True
    assert [channel.name for channel in (*found.bind, *found.connect)] == ["i", "o"]


@pytest.mark.parametrize(("written", "seconds"), [("", 1.0), (", grace: 0.5", 0.5), (', grace: "60"', 60.0)])
def test_the_grace_of_a_basic_task_is_what_its_template_says_or_a_second(written, seconds):
    found = task(f"control: {{mode: basic}}\ncommand: {{value: v{written}}}")
    assert found.template.command.grace_s == seconds


def test_without_a_mode_a_task_is_direct():
    assert task("command: {value: v}").mode is ControlMode.DIRECT


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{}", "not YAML"),
        ("control: {mode: fairmq}", "a task template has no command"),
        ("command: {}", "command has no value"),
        ("command: {value: v}\nextra: 1", "t.yaml:3: unknown key extra in a task template"),
        ("command: {value: v, args: []}", "unknown key args in command"),
        ("command: {value: v, argument: []}", "did you mean arguments?"),
        ("command: {value: v, arguments: x}", "arguments must be a list, not a single value"),
        ("command: {value: v, arguments: [[x]]}", "arguments takes single values, not a list"),
        ("command: {value: v, shell: maybe}", "shell must be true or false, not 'maybe'"),
        (
            "command: {value: v}\ncontrol: {mode: kubectl_direct}",
            "mode 'kubectl_direct' is none of direct, fairmq, basic",
        ),
        ("command: {value: v}\ncontrol: {mode: hook}", "mode 'hook' is none of"),
        ("command: {value: v}\ncontrol: {mode: '{{ m }}'}", "is none of"),
        ("command: {value: v}\nlimits: {memory: -2}", "memory must be a number of 0 or more, not '-2'"),
        ("command: {value: v}\nwants: {cpu: -1}", "cpu must be a number of 0 or more, not '-1'"),
        ("command: {value: v, grace: 0}", "command.grace must be 0.1 to 60 seconds, not 0"),
        ("command: {value: v, grace: 61}", "command.grace must be 0.1 to 60 seconds, not 61"),
        ("command: {value: v, grace: 1m}", "grace must be a number of 0 or more, not '1m'"),
        ("command: {value: v}\nwants: {cpu: nan}", "cpu must be a number of 0 or more, not 'nan'"),
        ("command: {value: v}\nwants: {memory: 1 GB}", "memory must be a number"),
        ("command: {value: v}\nwants: {ports: 9-8}", "wants.ports: '9-8' is not a range of ports"),
        ("command: {value: '{{ missing }}'}", "unknown variable missing"),
        (
            "command: {value: v, arguments: ['{{ task_idd }}']}",
            "unknown variable task_idd (did you mean task_id?)",
        ),
        ("command: {value: v}\nproperties: {p: '{{ missing }}'}", "unknown variable missing"),
        ("command: {value: v}\ndefaults: {a: '{{ b }}', b: 1}", "unknown variable b"),
        (
            "command: {value: v}\ncontrol: {mode: basic}\nbind: [{name: a, type: push}]",
            "a basic task has no channels",
        ),
        (
            "command: {value: v}\nconstraints: [{attribute: a, value: '{{ task_id }}'}]",
            "unknown variable task_id",
        ),
    ],
)
def test_a_fault_is_named(template, message):
    found = faults(template)
    assert any(message in problem for problem in found), found


def test_the_name_has_to_be_the_files():
    assert problems(ROOT, {"t": "name: other\ncommand: {value: v}"}) == [
        "t.yaml:1: the name is other, but the file's is t"
    ]


def test_a_faulty_class_that_many_roles_load_is_reported_once():
    source = "name: root\nroles: [{name: 'x{{ i }}', for: {begin: 1, end: 9, var: i}, task: {load: t}}]\n"
    assert problems(source, {"t": "name: t\ncommand: {value: v}\nextra: 1"}) == [
        "t.yaml:3: unknown key extra in a task template"
    ]


def test_variables_of_the_role_override_variables_of_the_template():
    template = """
defaults: {own: default, both: default, role_default: default}
vars: {both: "{{ own }} and var", role_default: var}
command: {value: "{{ own }}/{{ both }}/{{ role_default }}"}
"""
    assert rendered(template).value == "default/default and var/r"
    assert rendered(template, variables={"own": "user"}).value == "user/user and var/r"


def test_a_task_knows_itself():
    template = "command: {value: v, arguments: [%s]}" % ", ".join(f"'{{{{ {name} }}}}'" for name in SPECIALS)  # noqa: UP031
    assert rendered(template).arguments == tuple(SPECIALS.values())


def test_the_values_of_a_task_itself_override_any_variable():
    assert rendered("command: {value: '{{ task_id }}'}", variables={"task_id": "forged"}).value == "T0"


def test_an_argument_that_its_expressions_leave_empty_is_left_out_and_a_written_one_stays():
    template = "command: {value: v, arguments: ['', \"{{ '' }}\", \"{{ false ? 'a' : '' }}\", b]}"
    assert rendered(template).arguments == ("", "b")


def test_properties_are_texts_and_trees_are_marked_as_such():
    template = """
command: {value: v}
properties:
  plain: x
  number: 5
  made: "{{ task_id }}"
  list: "{{ ['a', 1] }}"
  tree: "{{ ToPtree(payload, 'json') }}"
"""
    assert rendered(template, variables={"payload": '{"a": 1}'}).properties == {
        "plain": "x",
        "number": "5",
        "made": "T0",
        "list": '["a",1]',
        "__ptree__:json:tree": '{"a": 1}',
    }


def test_an_overridden_start_time_is_pushed_to_devices():
    found = rendered("command: {value: v}", variables={"pdp_override_run_start_time": "7"})
    assert found.properties == {"orbit-reset-time": "7"}


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("command: {value: \"{{ '' }}\"}", "command.value is empty"),
        ("command: {value: v, env: [NOVALUE]}", "env takes NAME=VALUE, not 'NOVALUE'"),
        ("command: {value: v, env: ['=x']}", "env takes NAME=VALUE, not '=x'"),
        ("command: {value: v, stdout: '{{ task_id }}'}", "output goes to none, stdout, all, not"),
        ('command: {value: v, arguments: ["a\\0b"]}', "a zero byte"),
        (
            "command: {value: v}\nproperties: {p: \"{{ ToPtree('x', 'toml') }}\"}",
            "ToPtree reads ini, json, xml, not 'toml'",
        ),
        ("command: {value: '{{ task_id - 1 }}'}", "- takes two values of one kind, not a text and a number"),
    ],
)
def test_a_value_that_no_task_can_start_with_is_named(template, message):
    noted = Problems()
    render(task(template), SPECIALS, noted)
    assert any(message in line for line in noted.lines()), noted.lines()


@pytest.mark.parametrize(("written", "expected"), [("-1", 0.0), ("0", 0.0), ("256", 256.0)])
def test_a_limit_of_memory_of_minus_one_is_none(written, expected):
    template = f"name: t\ncontrol: {{mode: basic}}\ncommand: {{value: v}}\nlimits: {{memory: {written}}}"
    workflow = "name: w\nroles: [{name: x, task: {load: t}}]"
    (task,) = expand(workflow, {"t": template}).tasks
    assert task.template.limits.memory_mb == expected


@pytest.mark.parametrize(
    ("written", "critical"),
    [("no", False), ("off", False), ("yes", True), ("'false'", False), ("true", True)],
)
def test_a_boolean_is_read_as_yaml_1_1_spells_it(written, critical):
    workflow = f"name: w\nroles: [{{name: x, task: {{load: plain, critical: {written}}}}}]"
    assert expand(workflow).tasks[0].critical is critical
