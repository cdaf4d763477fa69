"""The rules of the original's language that no other file tests, one after the other (aliecs.md A2.6, A3)."""

import pytest

from salt_o2.core.plan.launch import Limits
from salt_o2.core.states import ControlMode
from tests.support.builders.templates import expand, inventory, paths, plan, problems, values

ROLE = "name: root\nroles: [{name: x, task: {load: t}}]\n"


def task(body, workflow=ROLE, **settings):
    """Plan the one task of ``workflow``, whose class has ``body``."""
    (found,) = plan(expand(workflow, {"t": f"name: t\n{body}\n"}, **settings), inventory()).tasks
    return found


def one(body, task_="plain", head=""):
    """Return a workflow with one role, which loads a task."""
    return f"name: root\n{head}\nroles:\n  - {{name: x, {body}, task: {{load: {task_}}}}}\n"


def command(*lines):
    return "command: {value: v, arguments: [" + ", ".join(f'"{line}"' for line in lines) + "]}"


# --- A2.6, task templates -------------------------------------------------------------------------


def test_vars_of_a_class_see_its_defaults_and_neither_sees_its_siblings():
    body = 'defaults: {a: 1}\nvars: {b: "{{ a }}2"}\n' + command("{{ b }}")
    assert "12" in task(body).launch.arguments
    for block in ("defaults", "vars"):
        sibling = f'{block}: {{a: 1, b: "{{{{ a }}}}"}}\ncommand: {{value: v}}'
        assert "unknown variable a" in problems(ROLE, {"t": f"name: t\n{sibling}"})[0]


def test_vars_of_a_class_override_its_defaults_and_are_overridden_by_the_role():
    body = "defaults: {a: d, b: d}\nvars: {a: v, b: v}\n" + command("{{ a }}{{ b }}")
    role = "name: root\nroles: [{name: x, defaults: {b: role}, task: {load: t}}]\n"
    assert "vrole" in task(body, role).launch.arguments


def test_defaults_and_vars_of_a_class_know_the_task():
    body = 'defaults: {a: "{{ task_hostname }}"}\nvars: {b: "{{ environment_id }}{{ a }}"}\n' + command(
        "{{ b }}"
    )
    assert "ENVflp1" in task(body).launch.arguments


@pytest.mark.parametrize(("mode", "expected"), [("", ControlMode.DIRECT), ("basic", ControlMode.BASIC)])
def test_a_class_without_a_mode_is_direct(mode, expected):
    control = f"control: {{mode: {mode}}}\n" if mode else ""
    assert task(f"{control}command: {{value: v}}").launch.mode == expected


@pytest.mark.parametrize("written", ["true", '"true"', '"True"'])
def test_a_shell_is_a_boolean_or_its_text(written):
    assert task(f"command: {{value: v, shell: {written}}}").launch.shell is True


@pytest.mark.parametrize("written", ["ALL", "All", "{{ 'ALL' }}"])
@pytest.mark.parametrize("key", ["stdout", "log"])
def test_the_output_setting_is_read_in_any_case(written, key):
    assert task(f'command: {{value: v, {key}: "{written}"}}').launch.stdout == "all"


def test_a_user_and_the_environment_are_templated():
    body = "command: {value: v, user: \"{{ 'fl' + 'p' }}\", env: ['A={{ task_class_name }}']}"
    launch = task(body).launch
    assert launch.user == "flp"
    assert "A=t" in launch.env


@pytest.mark.parametrize(("cpu", "memory"), [("0.5", "100"), ('"0.5"', '"100"'), ("5e-1", "100.0")])
def test_the_resource_demand_of_a_task_is_given_as_numbers_or_text(cpu, memory):
    found = task(f"wants: {{cpu: {cpu}, memory: {memory}}}\ncommand: {{value: v}}")
    assert (found.cpu, found.memory_mb) == (0.5, 100)


def test_a_task_without_demands_allocates_no_resources():
    found = task("command: {value: v}")
    assert (found.cpu, found.memory_mb) == (0, 0)


def test_wanted_ports_are_ranges_from_their_begin_to_their_end():
    found = task("wants: {ports: '8080-8083,9091'}\ncontrol: {mode: basic}\ncommand: {value: v}")
    assert found.ports == (8080, 8081, 8082, 8083, 9091)


def test_a_class_without_limits_has_none():
    limits = task("command: {value: v}").launch.limits
    assert limits == Limits()


def test_constraints_of_roles_override_constraints_of_a_class():
    body = "constraints: [{attribute: kind, value: class}]\ncommand: {value: v}"
    role = "name: root\nroles: [{name: x, constraints: [{attribute: kind, value: role}], task: {load: t}}]\n"
    (found,) = expand(role, {"t": f"name: t\n{body}\n"}).tasks
    assert [str(each) for each in found.constraints] == ["kind=role"]


def test_rate_logging_of_a_channel_is_templated():
    channel = '{name: c, type: push, rateLogging: "{{ rate }}"}'
    body = f"control: {{mode: fairmq}}\nbind: [{channel}]\ncommand: {{value: v}}"
    found = task(body, ROLE.replace("roles:", "vars: {rate: 7}\nroles:"))
    assert found.properties["chans.c.0.rateLogging"] == "7"


# --- A3.1 and A3.2, documents and kinds of roles --------------------------------------------------


def test_an_included_root_may_have_another_name_than_its_file():
    other = "name: something-else\nroles: [{name: y, task: {load: plain}}]\n"
    found = expand("name: root\nroles: [{name: x, include: file}]\n", others={"file": other})
    assert paths(found) == ["root.x.y"]


@pytest.mark.parametrize(
    "kinds", ["include: w", "roles: []", "call: {func: f(), trigger: DESTROY}", "include: w, roles: []"]
)
def test_a_role_is_of_one_kind(kinds):
    assert any("only one of" in each for each in problems(one(kinds)))


@pytest.mark.parametrize(
    "kind", ["roles: [{name: y, task: {load: plain}}]", "task: {load: plain}", "include: other"]
)
def test_an_iterator_wraps_roles_tasks_and_includes(kind):
    source = f"name: root\nroles: [{{name: 'x{{{{ i }}}}', for: {{range: '[1, 2]', var: i}}, {kind}}}]\n"
    other = "name: other\nroles: [{name: y, task: {load: plain}}]\n"
    found = paths(expand(source, others={"other": other}))
    assert [path[:7] for path in found] == ["root.x1", "root.x2"]


# --- A3.3, keys of roles --------------------------------------------------------------------------


def test_a_range_does_not_see_the_roles_own_variables():
    assert "unknown variable own" in problems(one("for: {range: '{{ own }}', var: i}, vars: {own: '[1]'}"))[0]


@pytest.mark.parametrize(
    ("written", "there"), [(" True ", True), ("TRUE", True), ("1", True), ("yes", False), ("on", False)]
)
def test_a_role_is_enabled_by_true_or_one_in_any_case(written, there):
    found = paths(expand(one(f"enabled: '{written}'") + "  - {name: y, task: {load: plain}}\n"))
    assert ("root.x" in found) is there


def test_the_value_of_a_constraint_knows_the_role_itself():
    (found,) = expand(one("constraints: [{attribute: a, value: '{{ This().Name }}'}]")).tasks
    assert [str(each) for each in found.constraints] == ["a=x"]


def test_a_global_name_is_templated():
    (found,) = expand(one("vars: {h: 7}, bind: [{name: c, type: push, global: 'g{{ h }}'}]")).tasks
    assert found.bind[0].alias == "g7"


# --- A3.4 and A3.5, expressions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("['a', 'b']", '["a","b"]'),
        ("{'a': 1}", '{"a":1}'),
        ("flag == 'true'", "true"),
        ("util.SuffixInRange('alio2-cr1-flp072', 'alio2-cr1-flp', '001', '072')", "true"),
        ("util.SuffixInRange('alio2-cr1-flp073', 'alio2-cr1-flp', '001', '072')", "false"),
        ("util.SuffixInRange('alio2-cr1-flp', 'alio2-cr1-flp', '001', '072')", "false"),
        ("strings.IsFalsy(none)", "true"),
        ("!strings.IsFalsy(none)", "false"),
        ("strings.IsTruthy('YES') && strings.IsTruthy('on') && strings.IsTruthy('ok')", "true"),
        ("strings.IsTruthy('2')", "false"),
        ("strings.Atoi('12') + 1", "13"),
        ("strings.ToLower('ITS') + strings.ToUpper('its')", "itsITS"),
        ("strings.TrimSpace('  a ') + '|'", "a|"),
        ("json.Unmarshal('{\"a\": [1]}').a[0]", "1"),
        ("json.Marshal([1, 'a'])", '[1,"a"]'),
        ("json.Deserialize(json.Serialize({a: 1})).a", "1"),
        ("len(uid.New()) > 5", "true"),
        ("len(extra) > 0 ? 'export ' + extra + ' &&' : ''", ""),
        ('dd == "true" ? a_uri : b_uri', "B"),
    ],
)
def test_expressions_as_production_writes_them(expression, expected):
    head = "vars: {flag: true, none: none, extra: '', dd: false, a_uri: A, b_uri: B}"
    folded = f">-\n        {{{{ {expression} }}}}"
    source = (
        f"name: root\n{head}\nroles:\n  - name: x\n    vars:\n      v: {folded}\n    task: {{load: plain}}\n"
    )
    assert values(source)["v"] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Parent().Path", "root.inner"),
        ("Parent().Name", "inner"),
        ("Up(1).Path", "root.inner"),
        ("Up(2).Path", "root"),
        ("This().Path", "root.inner.x"),
        ("parent", "root.inner"),
        ("up.path", "root.inner"),
        ("up 1", "root.inner"),
        ("up 2", "root"),
        ("this", "root.inner.x"),
        ("this.name", "x"),
    ],
)
def test_the_place_of_a_role_in_all_its_spellings(expression, expected):
    source = f"""
name: root
roles:
  - name: inner
    roles:
      - name: x
        connect: [{{name: c, type: pull, target: "tcp://{{{{ {expression} }}}}:1"}}]
        task: {{load: plain}}
"""
    (found,) = expand(source).tasks
    assert found.connect[0].target == f"tcp://{expected}:1"


# --- A3.7, described variables --------------------------------------------------------------------


def test_every_field_of_a_described_variable_is_kept():
    source = """
name: root
defaults:
  n: !public
    value: 4
    type: number
    label: "How many"
    description: "of them"
    widget: slider
    panel: Basic
    values: [2, 4, 8]
    index: 3
    rows: 2
    visibleif: $$mode === "expert"
    enabledif: $$mode !== "simple"
roles: [{name: x, task: {load: plain}}]
"""
    found = expand(source).specifications["n"]
    kept = (found.value, found.type, found.label, found.description, found.widget, found.panel)
    assert kept == ("4", "number", "How many", "of them", "slider", "Basic")
    assert (found.values, found.index, found.rows) == (("2", "4", "8"), 3, 2)
    assert (found.visibleif, found.enabledif) == ('$$mode === "expert"', '$$mode !== "simple"')
