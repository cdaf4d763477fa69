"""What templates ask of their site, and what happens where there is none."""

import pytest

from salt_o2.workflow import load
from salt_o2.workflow.variables.site_services import ALIASES, TABLE, services
from tests.support.builders.templates import Templates, expand, problems


def role(body: str, head: str = "") -> str:
    return f"name: root\n{head}\nroles:\n  - {{name: x, {body}, task: {{load: plain}}}}\n"


def load_with(source: str, **functions):
    templates = Templates(source)
    given = {tuple(name.split("_", 1)): bound for name, bound in functions.items()}
    templates.services = services(given)
    return load(templates, "w")


def test_a_function_of_the_site_gets_the_variables_of_the_role_that_asks():
    found = load_with(
        role("vars: {v: \"{{ config.Get('a/b') }}\"}", "vars: {colour: red}"),
        config_Get=lambda stack: lambda path: f"{path} is {stack.find('colour')}",
    )
    assert found.tasks[0].variables["v"] == "a/b is red"


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_the_older_name_of_a_function_calls_the_same(alias):
    space, function = ALIASES[alias]
    source = role(f'vars: {{v: "{{{{ {alias}(1) }}}}", w: "{{{{ {space}.{function}(1) }}}}"}}')
    found = load_with(source, **{f"{space}_{function}": lambda _: lambda one: f"got {one}"})
    assert found.tasks[0].variables["v"] == found.tasks[0].variables["w"] == "got 1"


@pytest.mark.parametrize("name", [f"{space}.{name}" for space, names in TABLE.items() for name in names])
def test_functions_of_a_missing_site_are_open_and_no_fault(name):
    source = role('vars: {w: "{{ v }}!"}', f'vars: {{v: "{{{{ {name}() }}}}"}}')
    found = expand(source)
    (note,) = found.notes
    assert f"left open: {name}() is known only where" in note, "what depends on it is not reported as well"
    assert found.tasks[0].variables["w"] == ""


def test_a_range_that_only_the_site_knows_is_left_open():
    source = (
        "name: root\nvars: {hosts: \"{{ config.Get('hosts') }}\"}\n"
        "roles: [{name: 'x{{ h }}', for: {range: '{{ hosts }}', var: h}, task: {load: plain}}]"
    )
    found = expand(source)
    assert found.tasks == ()
    assert found.notes


def test_faults_beside_open_values_are_found():
    source = role('vars: {v: "{{ config.Get(\'x\') }}", w: "{{ missing }}"}')
    assert problems(source) == ["w.yaml:4: root: unknown variable missing"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ("its_rate: 5, rate: 1", "5"),
        ("its_rate: '', rate: 1", "1"),
        ("its_rate: none, rate: 1", "1"),
        ("rate: 1", "1"),
        ("rate: none", ""),
        ("other: 1", ""),
    ],
)
@pytest.mark.parametrize("function", ["PrefixedOverride", "util.PrefixedOverride"])
def test_a_prefixed_variable_overrides_the_plain_one(variables, expected, function):
    source = role(f"vars: {{v: \"{{{{ {function}('rate', 'its') }}}}\"}}", f"vars: {{{variables}}}")
    assert expand(source).tasks[0].variables["v"] == expected


def test_a_dump_returns_its_text():
    source = role("vars: {v: \"{{ util.Dump('text', '/tmp/x') }}{{ Dump('!', 'y') }}\"}")
    assert expand(source).tasks[0].variables["v"] == "text!"


def test_further_functions_of_util_return_their_values():
    source = role("vars: {v: \"{{ util.SuffixInRange('flp3', 'flp', '1', '5') }}{{ util.Nullable(nil) }}\"}")
    assert expand(source).tasks[0].variables["v"] == "true"
