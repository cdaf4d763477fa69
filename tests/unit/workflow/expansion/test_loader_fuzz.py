"""Whatever a template has in it, loading it ends in a workflow or a list of problems, in nothing else."""

import json
from contextlib import suppress

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import PlanError, TemplateError, UnknownNameError
from salt_o2.workflow import load
from salt_o2.workflow.authoring.outline import outline
from salt_o2.workflow.expansion.open_variables import OpenVariables
from salt_o2.workflow.templates.keys import BIND, COMMAND, CONSTRAINT, LOOP, ROLE, TASK, TASK_TEMPLATE, WANTS
from tests.support.builders.templates import Templates, inventory, plan

texts = st.sampled_from(
    [
        *(
            "",
            "x",
            "x{{ i }}",
            "{{ i }}",
            "{{ x",
            "{{ missing }}",
            "{{ 1 + 1 }}",
            "{{ Up(9) }}",
            "{{ hosts }}",
            "{{ config.Get('x') }}",
            "{{ util.PrefixedOverride('hosts', 'x') }}",
            "up 2 {{ up 2 }}",
            "{{ parent }}:x",
        ),
        *(
            "true",
            "0",
            "3",
            "-1",
            "1e9",
            "99999999999",
            "[1, 2]",
            '["a"]',
            "push",
            "pull",
            "tcp",
            "tcp://*:5",
            "ipc://x",
        ),
        *("fairmq", "basic", "direct", "plain", "t", "root.x:x", "::g", "80-82", "A=b", "\x00", "ü", "all"),
    ]
)
scalars = (
    texts | st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=True) | st.text(max_size=5)
)


def entries(table, values):
    return st.dictionaries(st.sampled_from([*table, "unknown"]), values, max_size=5)


anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | entries(ROLE, inner), max_leaves=6
)
blocks = st.dictionaries(st.sampled_from("abix"), scalars, max_size=3)
channels = st.lists(entries(BIND, scalars), max_size=2)
constraints = st.lists(entries(CONSTRAINT, scalars), max_size=2)


def sometimes(strategy):
    return strategy | anything


loops = st.fixed_dictionaries({"begin": scalars, "end": scalars, "var": st.just("i")}) | entries(
    LOOP, scalars
)
PARTS_OF_A_ROLE = {
    "enabled": sometimes(scalars),
    "defaults": sometimes(blocks),
    "vars": sometimes(blocks),
    "constraints": sometimes(constraints),
    "bind": sometimes(channels),
    "connect": sometimes(channels),
    "for": sometimes(loops),
    "task": st.just({"load": "t"}) | entries(TASK, scalars) | anything,
    "include": scalars,
}
PARTS_OF_A_TASK = {
    "control": st.fixed_dictionaries({"mode": scalars}),
    "wants": entries(WANTS, scalars),
    "bind": channels,
    "connect": channels,
    "properties": blocks,
    "defaults": blocks,
    "vars": blocks,
    "constraints": constraints,
}


def a_role(children):
    parts = {**PARTS_OF_A_ROLE, "roles": children}
    return st.fixed_dictionaries({"name": texts}, optional=parts) | anything


def one_part(table, parts):
    """Draw a key of ``table`` and a value, of the key's own kind or any other."""
    keys = st.sampled_from(sorted(table))
    return keys.flatmap(lambda key: st.tuples(st.just(key), parts.get(key, scalars) | anything))


roles = st.recursive(a_role(st.just([])), lambda inner: a_role(st.lists(inner, max_size=3)), max_leaves=4)
tasks = st.fixed_dictionaries(
    {
        "name": st.just("t"),
        "command": entries(COMMAND, sometimes(st.lists(scalars, max_size=2))) | st.just({"value": "v"}),
    },
    optional={**PARTS_OF_A_TASK, "extra": anything},
) | entries(TASK_TEMPLATE, anything)


def attempt(workflow: str, task: str) -> None:
    """Load and plan; failures that a user is meant to see are all that may come of it."""
    try:
        plan(load(Templates(workflow, {"t": task}), "w", variables={"a": "1"}), inventory())
    except (TemplateError, PlanError, UnknownNameError) as error:
        assert str(error), "a refusal says why"  # noqa: PT017


@settings(deadline=None, max_examples=300)
@given(roles, tasks)
def test_no_template_breaks_the_loader(role, task):
    attempt(yaml.safe_dump(role), yaml.safe_dump(task))


@settings(deadline=None, max_examples=500)
@given(roles, tasks)
def test_no_template_breaks_the_check_of_a_file_by_itself(role, task):
    templates = Templates(yaml.safe_dump(role), {"t": yaml.safe_dump(task)})
    with suppress(TemplateError, UnknownNameError):
        json.dumps(
            outline(load(templates, "w", outside=OpenVariables(None, "w")), variables=True, origins=True)
        )


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_the_loader(workflow, task):
    attempt(workflow, task)


SOUND = {"name": "root", "roles": [{"name": "x", "task": {"load": "t"}}]}
PLAIN = {"name": "t", "control": {"mode": "fairmq"}, "command": {"value": "v"}}


@settings(deadline=None, max_examples=400)
@given(one_part(ROLE, PARTS_OF_A_ROLE))
def test_no_value_of_one_key_of_a_role_breaks_the_loader(part):
    role = SOUND["roles"][0] | dict([part])
    attempt(yaml.safe_dump(SOUND | {"roles": [role]}), yaml.safe_dump(PLAIN))


@settings(deadline=None, max_examples=400)
@given(one_part(TASK_TEMPLATE, PARTS_OF_A_TASK))
def test_no_value_of_one_key_of_a_task_breaks_the_loader(part):
    attempt(yaml.safe_dump(SOUND), yaml.safe_dump(PLAIN | dict([part])))
