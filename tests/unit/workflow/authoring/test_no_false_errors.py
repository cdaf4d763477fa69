"""What AliECS accepts is no problem of a check; what it cannot run is found by the check."""

import pytest

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.authoring.checker import check
from salt_o2.workflow.authoring.graph import graph_of
from tests.support.builders.templates import expand, paths, plan

TASK = "name: t\ncontrol: {mode: direct}\ncommand: {value: x}\n"
LEAF = "name: w\nroles: [{name: a, task: {load: t}}]\n"


@pytest.fixture
def verdict_on(tmp_path):
    """Check a workflow beside a task template ``t``; file names are cut off."""
    for folder in ("workflows", "tasks"):
        (tmp_path / folder).mkdir()

    def checked(workflow, task=TASK, **variables):
        (tmp_path / "tasks" / "t.yaml").write_text(task)
        file = tmp_path / "workflows" / "w.yaml"
        file.write_text(workflow)
        found = check(file, variables)
        problems = [each.partition(": ")[2] for each in found.problems]
        return problems, [each.partition(": ")[2] for each in found.notes]

    return checked


def role(body, above=""):
    return f"name: w\n{above}roles: [{{name: a, {body}}}]\n"


def with_default(entry):
    return role("task: {load: t}", f"defaults: {{{entry}}}\n")


@pytest.mark.parametrize(
    ("workflow", "note"),
    [
        (with_default("v: !public {value: a, widget: slidr}"), "widget 'slidr' is none of"),
        (with_default("v: !public {value: a, type: strng}"), "type 'strng' is none of"),
        (
            with_default("v: !public {value: z, widget: dropDownBox, values: [a, b]}"),
            "variable v: 'z' is none of the values that its form offers: a, b",
        ),
        (
            with_default("v: !public {value: x}, b: '{{ v }}'"),
            "left open: v, a public variable of the same role: known if a form gives it",
        ),
        (
            role("connect: [{name: d, type: pull, target: '::far'}], task: {load: t}"),
            "left open: channel d: nothing binds ::far here, but a workflow around may",
        ),
        (role("enabled: , task: {load: t}"), "enabled has no value: the role exists"),
        (
            "name: w\nroles:\n  - {name: a, task: {load: t}}\n  - {name: a, task: {load: t}}\n",
            "w.a: a role beside it has this name: its path here is w.a#2 and so on",
        ),
        (
            role("for: {begin: 1, end: 2, var: i}, task: {load: t}"),
            "w.a#2 and so on; use the iterator's variable in its name",
        ),
        (role("task: {load: t, trigger: DESTROY, timeout: 0s}"), "timeout 0s: no limit of its own, so 30 s"),
        (role("call: {func: test.succeed(), trigger: ''}"), "the trigger is empty: it is never called"),
    ],
)
def test_check_notes_a_template_that_aliecs_accepts(verdict_on, workflow, note):
    problems, notes = verdict_on(workflow)
    assert problems == []
    assert any(note in each for each in notes), notes


@pytest.mark.parametrize(
    ("workflow", "task"),
    [
        (role("task: {load: t, critical: no}"), TASK),
        (role("task: {load: t, trigger: ''}"), TASK),
        (role("call: {func: test.succeed(), trigger: DESTROY, await: ''}"), TASK),
        (LEAF, f"{TASK}limits: {{memory: -1}}\n"),
        (LEAF, f"{TASK}limits: {{memory: -1, cpu: -1, pids: -1}}\n"),
        (LEAF, TASK.replace("value: x", "value: x, stdout: '{{ task_id }}'")),
        (role("connect: [{name: d, type: pull, target: 'tcp://host:5555'}], task: {load: t}"), TASK),
        (role("bind: [{name: d, type: push, target: 'ipc:///tmp/x'}], task: {load: t}"), TASK),
    ],
)
def test_check_accepts_a_template_of_aliecs_without_a_note(verdict_on, workflow, task):
    assert verdict_on(workflow, task) == ([], [])


@pytest.mark.parametrize(
    ("workflow", "task", "problem"),
    [
        (
            with_default("v: x, b: '{{ v }}'"),
            TASK,
            "unknown variable v: entries of one block do not see each other",
        ),
        (role("include: ''"), TASK, "w.a: include is empty here: it names no workflow"),
        (role("include: '{{ x }}'", "vars: {x: ' '}\n"), TASK, "w.a: include is empty here"),
        (LEAF, TASK.replace("x}", "x, stdout: everything}"), "output goes to none, stdout, all, not"),
        (
            LEAF,
            f"{TASK}defaults: {{out: everything}}\n".replace("x}", "x, stderr: '{{ out }}'}"),
            "w.a: output goes to none, stdout, all, not 'everything'",
        ),
        (
            role("connect: [{name: d, type: pull, target: 'tcp://host'}], task: {load: t}"),
            TASK,
            "w.a: channel d connects tcp://host, which has no port",
        ),
        (
            role("connect: [{name: d, type: pull, target: 'tcp://host:70000'}], task: {load: t}"),
            TASK,
            "with a port of 1 to 65535",
        ),
        (
            role("bind: [{name: d, type: push, target: 'tcp://*'}], task: {load: t}"),
            TASK,
            "w.a: channel d binds tcp://*, which has no port",
        ),
        (
            role("bind: [{name: d, type: push, target: 'ipc://'}], task: {load: t}"),
            TASK,
            "w.a: channel d binds ipc://, which names no socket",
        ),
        (role("task: {load: t}").replace("name: a", "name: a b"), TASK, "'a b' cannot be a role's name"),
        (role("task: {load: t, trigger: DESTROY, timeout: -1s}"), TASK, "'-1s' is not a duration"),
    ],
)
def test_check_finds_a_value_that_no_task_can_run_with(verdict_on, workflow, task, problem):
    problems, _ = verdict_on(workflow, task)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_public_variable_of_the_same_block_is_known_once_a_user_gives_it(verdict_on):
    workflow = with_default("v: !public {value: x}, b: '{{ v }}'")
    assert verdict_on(workflow, v="1") == ([], [])
    assert expand(workflow, {"t": TASK}, variables={"v": "1"}).variables["b"] == "1"
    with pytest.raises(TemplateError, match="entries of one block do not see each other"):
        expand(workflow, {"t": TASK})


def test_a_default_sees_the_value_that_a_role_above_gives_to_a_name_of_its_own_block():
    workflow = """
    name: w
    vars: {v: above}
    roles:
      - name: a
        defaults: {v: own, b: "{{ v }}"}
        task: {load: plain}
    """
    assert expand(workflow).tasks[0].variables["b"] == "above"


def test_a_global_target_must_be_bound_at_the_site():
    workflow = role("connect: [{name: d, type: pull, target: '::far'}], task: {load: plain}")
    with pytest.raises(TemplateError, match="nothing binds ::far"):
        expand(workflow)


def test_roles_of_one_name_have_distinct_paths_in_all_views():
    workflow = expand(
        """
        name: w
        roles:
          - {name: a, roles: [{name: x, task: {load: plain}}]}
          - {name: a, enabled: "false", task: {load: plain}}
          - {name: a, roles: [{name: x, vars: {where: "{{ Parent().Path }}"}, task: {load: plain}}]}
          - {name: a, task: {load: plain}}
        """
    )
    assert paths(workflow) == ["w.a.x", "w.a#2.x", "w.a#3"]
    assert [each.name for each in workflow.root.roles] == ["a", "a#2", "a#3"]
    assert workflow.tasks[1].variables["where"] == "w.a#2"
    assert [task.path for task in plan(workflow).tasks] == paths(workflow)


BOUND = "name: {0}\ncontrol: {{mode: fairmq}}\ncommand: {{value: x}}\nbind: [{{name: {0}, type: push}}]\n"
SHARED = """
name: w
roles:
  - {name: a, roles: [{name: x, task: {load: one}}]}
  - {name: a, roles: [{name: x, task: {load: two}}]}
  - name: sink
    connect:
      - {name: first, type: pull, target: "w.a.x:one"}
      - {name: second, type: pull, target: "w.a.x:two"}
    task: {load: plain}
"""


def test_a_target_finds_the_one_role_of_a_shared_name_that_binds_its_channel():
    tasks = {name: BOUND.format(name) for name in ("one", "two")}
    workflow = expand(SHARED, tasks)
    first, second, sink = plan(workflow).tasks
    address = "chans.{}.0.address".format
    assert sink.properties[address("first")].endswith(f":{first.ports[-1]}")
    assert sink.properties[address("second")].endswith(f":{second.ports[-1]}")
    arrows = [(arrow.sender, arrow.channel) for arrow in graph_of(workflow).arrows]
    assert arrows == [("w.a.x", "first"), ("w.a#2.x", "second")]


def test_a_target_of_a_shared_name_prefers_the_role_without_a_number():
    tasks = {"one": BOUND.format("one"), "two": BOUND.format("one").replace("name: one\nc", "name: two\nc")}
    workflow = expand(SHARED.replace(":two", ":one"), tasks)
    first, _, sink = plan(workflow).tasks
    assert sink.properties["chans.second.0.address"].endswith(f":{first.ports[-1]}")


def test_a_role_without_children_leaves_its_name_to_the_next_one():
    nothing = "{name: a, roles: [{name: x, enabled: 'false', task: {load: plain}}]}"
    workflow = expand(f"name: w\nroles: [{nothing}, {{name: a, task: {{load: plain}}}}]\n")
    assert paths(workflow) == ["w.a"]


def test_a_task_with_an_empty_trigger_takes_part_in_the_data_flow():
    (task,) = expand(role("task: {load: plain, trigger: '{{ when }}'}", "vars: {when: ''}\n")).tasks
    assert task.trigger is None
    assert task.mode == "fairmq"


def test_a_call_with_an_empty_trigger_is_in_the_plan_and_has_no_moment():
    workflow = expand(
        "name: w\nroles: [{name: a, task: {load: plain}}, {name: c, call: {func: f(), trigger: ''}}]\n"
    )
    (call,) = plan(workflow).calls
    assert str(call.trigger) == ""


def test_a_timeout_of_zero_is_the_limit_of_a_hook_without_one():
    (task,) = expand(role("task: {load: plain, trigger: DESTROY, timeout: 0s}")).tasks
    assert task.timeout_s == 30.0
