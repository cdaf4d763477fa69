"""Looking at workflows has no effect: no program runs, no run-time value is set, no file is written."""

import asyncio
import dataclasses

import pytest

from salt_o2.core.access_roles import RUNNERS, AccessRole
from salt_o2.core.errors import InvalidRequestError, O2Error, TemplateError
from salt_o2.site.resources import DUMPS, MasterContext, dump_to_cache, open_resources
from salt_o2.site.settings import Site
from tests.support.harness.control import control_harness

as_root = pytest.mark.root("run commands as another account")
RUNS = "/bin/sh MADE/program"
PROGRAM = """#!/bin/sh
echo run >> MADE/ran
eval "name=\\${$#}"
printf 'name: %s\\nroles: [{name: r, task: {load: %s-t}}]\\n' "$name" "$name" > workflows/$name.yaml
printf 'name: %s-t\\ncommand: {value: x}\\n' "$name" > tasks/$name-t.yaml
"""
WORKFLOWS = {
    "sets": """
name: sets
defaults: {d: "{{ runtime.Set('c', 'in_defaults', 'x') }}"}
vars: {v: "{{ SetRuntimeConfig('c', 'in_vars', 'x') }}", e: "{{ runtime.Get('c', 'in_vars') }}"}
roles:
- name: "a{{ it }}"
  for: {range: "{{ ToJson([runtime.Set('c', 'in_loop', '1')]) }}", var: it}
  task: {load: t}
- {name: b, enabled: "{{ runtime.Set('c', 'in_condition', 'true') }}", task: {load: sets}}
""",
    "dumps": """
name: dumps
vars: {v: "{{ Dump('text', 'in_vars') }}", w: "{{ util.Dump('text', 'in_util') }}"}
roles: [{name: a, task: {load: dumps}}]
""",
    "runs": f"""
name: runs
defaults: {{command: "{RUNS}"}}
roles:
- {{name: i, include: "{{{{ dpl.Generate(command) }}}}"}}
- {{name: a, task: {{load: t}}}}
""",
    "runs-file": """
name: runs-file
roles: [{name: i, include: "{{ GenerateDplSubworkflowFromUri('command') }}"}, {name: a, task: {load: t}}]
""",
}
TASKS = {
    "t": "name: t\ncommand: {value: x}\n",
    "sets": """
name: sets
defaults: {d: "{{ runtime.Set('c', 'in_task', 'x') }}"}
command: {value: "{{ runtime.Set('c', 'in_value', 'x') }}", env: ["A={{ runtime.Set('c', 'in_env', 'x') }}"]}
properties: {p: "{{ runtime.Set('c', 'in_property', 'x') }}"}
control: {mode: fairmq}
""",
    "dumps": "name: dumps\ncommand: {value: \"{{ Dump('x', 'in_value') }}\"}\n",
}


@pytest.fixture
def site(tmp_path):
    """A site whose templates set run-time values, write dumps and run a program."""
    for folder in ("repo/workflows", "repo/tasks", "repo/jit", "conf", "made", "store"):
        (tmp_path / folder).mkdir(parents=True)
    made = str(tmp_path / "made")
    for name, text in WORKFLOWS.items():
        (tmp_path / "repo/workflows" / f"{name}.yaml").write_text(text.replace("MADE", made))
    for name, text in TASKS.items():
        (tmp_path / "repo/tasks" / f"{name}.yaml").write_text(text)
    (tmp_path / "repo/jit/command").write_text(RUNS.replace("MADE", made))
    (tmp_path / "made/program").write_text(PROGRAM.replace("MADE", made))
    (tmp_path / "made").chmod(0o777)
    for folder in (tmp_path, *(parent for parent in tmp_path.parents if "pytest" in str(parent))):
        folder.chmod(0o755)
    settings = Site(
        repositories=(str(tmp_path / "repo"),),
        configuration=str(tmp_path / "conf"),
        dpl_user="nobody",
        dpl_timeout_s=60.0,
        heartbeat_s=1e6,
    )
    return open_resources(settings, MasterContext(cache=tmp_path / "cache"))


def ask(site, tmp_path, *asked):
    """Return what control answers to verbs with arguments, one after the other; an error is an answer."""

    async def one_after_the_other():
        answers = []
        async with control_harness(tmp_path / "store", site=site) as room:
            for verb, arguments in asked:
                try:
                    answers.append(await room.ask(verb, **arguments))
                except O2Error as error:
                    answers.append(error)
        return answers

    return asyncio.run(one_after_the_other())


def files(tmp_path):
    """Return all files but those of the store, with their content."""
    return {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file() and "store" not in path.parts
    }


def looking_verbs():
    """Return the verbs of viewers that load a workflow."""
    from salt_o2.concurrency.request_threads import RequestThreads
    from salt_o2.control.requests.environment_requests import PlanAhead
    from salt_o2.control.requests.workflow_requests import WorkflowRequests

    kinds = {verb: kind for verb, (kind, _) in WorkflowRequests(Site(), RequestThreads()).verbs.items()} | {
        "env_plan": PlanAhead
    }
    fields = {verb: {field.name for field in dataclasses.fields(kind)} for verb, kind in kinds.items()}
    return [verb for verb in RUNNERS[AccessRole.VIEWER] if "workflow" in fields.get(verb, ())]


def test_every_request_of_viewers_that_loads_a_workflow_is_tested():
    assert {"env_plan", "workflow_check", "workflow_expand", "workflow_graph"} <= set(looking_verbs())
    assert "workflow_generate" not in RUNNERS[AccessRole.VIEWER]


@pytest.mark.finding("1.8")
@pytest.mark.finding("2.7")
@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("verb", looking_verbs())
def test_a_read_only_request_changes_nothing(site, tmp_path, verb, workflow):
    before = files(tmp_path)
    (answer,) = ask(site, tmp_path, (verb, {"workflow": workflow}))
    assert files(tmp_path) == before
    if workflow in ("sets", "dumps"):
        assert not isinstance(answer, Exception)


@pytest.mark.finding("2.7")
def test_a_template_in_a_read_only_request_sees_the_values_that_it_sets(site, tmp_path):
    found, again = ask(
        site,
        tmp_path,
        ("workflow_expand", {"workflow": "sets", "variables": True}),
        ("workflow_check", {"workflow": "sets"}),
    )
    assert found["root"]["roles"][0]["variables"]["e"] == "x"
    assert again["problems"] == []
    configuration = site.repositories.configuration
    assert configuration.runtime_get("c", "in_vars") == ""


@pytest.mark.finding("2.7")
def test_a_creation_writes_the_values_that_its_template_sets(site, tmp_path):
    sets, dumps = ask(
        site, tmp_path, ("env_create", {"workflow": "sets"}), ("env_create", {"workflow": "dumps"})
    )
    assert [sets["state"], dumps["state"]] == ["CONFIGURED", "CONFIGURED"]
    names = ("defaults", "vars", "loop", "condition", "task", "value", "env", "property")
    configuration = site.repositories.configuration
    assert {name: bool(configuration.runtime_get("c", f"in_{name}")) for name in names} == dict.fromkeys(
        names, True
    )
    assert sorted(path.name for path in (tmp_path / "cache/dumps").iterdir()) == [
        "in_util",
        "in_value",
        "in_vars",
    ]


@pytest.mark.finding("1.8")
@pytest.mark.parametrize("workflow", ["runs", "runs-file"])
def test_a_viewer_sees_which_templates_were_not_generated(site, tmp_path, workflow):
    checked, planned = ask(
        site, tmp_path, ("workflow_check", {"workflow": workflow}), ("env_plan", {"workflow": workflow})
    )
    assert checked["problems"] == []
    (note,) = checked["notes"]
    assert "left open" in note
    assert "looking runs no command" in note
    assert isinstance(planned, TemplateError)
    assert "a user who may create environments runs it by `coconut env create`" in str(planned)


@pytest.mark.finding("1.8")
@pytest.mark.parametrize("workflow", ["runs", "runs-file"])
@pytest.mark.parametrize("generate", ["workflow_generate", "env_create"])
@as_root
def test_a_user_who_looks_sees_what_was_generated_before(site, tmp_path, workflow, generate):
    made, checked, planned, expanded = ask(
        site,
        tmp_path,
        (generate, {"workflow": workflow}),
        ("workflow_check", {"workflow": workflow}),
        ("env_plan", {"workflow": workflow}),
        ("workflow_expand", {"workflow": workflow}),
    )
    assert not isinstance(made, Exception), made
    assert checked == {"workflow": workflow, "problems": [], "notes": []}
    assert [row["path"] for row in planned["changes"]] == [f"{workflow}.i.r", f"{workflow}.a"]
    assert expanded["tasks"] == 2
    assert (tmp_path / "made/ran").read_text() == "run\n"


@pytest.mark.finding("1.8")
@as_root
def test_other_values_are_another_workflow_which_a_user_who_looks_does_not_see(site, tmp_path):
    made, planned = ask(
        site,
        tmp_path,
        ("workflow_generate", {"workflow": "runs"}),
        ("env_plan", {"workflow": "runs", "vars": {"jit_env_vars": "A=1"}}),
    )
    assert made["tasks"] == 2
    assert "has not been run with these values" in str(planned)


@pytest.mark.finding("2.7")
@as_root
def test_generating_sets_and_writes_nothing_else(site, tmp_path):
    before = files(tmp_path)
    ask(site, tmp_path, *(("workflow_generate", {"workflow": name}) for name in ("sets", "dumps")))
    assert files(tmp_path) == before


@pytest.mark.finding("1.8")
@as_root
def test_a_plan_of_a_generated_workflow_is_applied(site, tmp_path):
    async def apply():
        async with control_harness(tmp_path / "store", site=site) as room:
            await room.ask("workflow_generate", workflow="runs")
            planned = await room.ask("env_plan", workflow="runs")
            return await room.ask("env_create", plan=planned["token"])

    assert asyncio.run(apply())["state"] == "CONFIGURED"


@pytest.mark.finding("2.7")
def test_dumps_are_bounded_in_number(tmp_path):
    for number in range(DUMPS):
        dump_to_cache(tmp_path, "x", f"dump-{number}")
    dump_to_cache(tmp_path, "again", "dump-0")
    with pytest.raises(InvalidRequestError, match="which is the limit"):
        dump_to_cache(tmp_path, "x", "one-more")
    assert (tmp_path / "dumps/dump-0").read_text() == "again"
