"""The reference pages hold everything that the code has."""

import ast
import sys
from pathlib import Path

import pytest

from salt_o2.core.access_roles import BY_RUNNER, RUNNERS, WITHOUT_ROLE, AccessRole
from salt_o2.core.states import TRANSITIONS
from salt_o2.core.tasks.restarts import RestartBudget, RestartPolicy
from salt_o2.site.pillar_schema import HostPillar
from salt_o2.site.settings import TIMEOUT_VARIABLES, Site
from salt_o2.workflow import limits
from salt_o2.workflow.expansion.known_calls import KNOWN
from salt_o2.workflow.expansion.open_variables import GIVEN
from salt_o2.workflow.expressions.functions.aliecs import JSON, STRINGS, UID, UTIL
from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN
from salt_o2.workflow.expressions.language.parser import PREDICATES
from salt_o2.workflow.templates import keys
from salt_o2.workflow.variables.site_services import ALIASES, TABLE

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
RUNNER = sorted((ROOT / "runners").glob("o2*.py"))


@pytest.fixture(scope="module")
def pages():
    """The package that makes the pages, as Sphinx imports it."""
    sys.path.insert(0, str(DOCS))
    try:
        import pages
    finally:
        sys.path.remove(str(DOCS))
    return pages


@pytest.fixture(scope="module")
def texts(pages):
    """All pages, by name."""
    return {name: page() for name, page in pages.PAGES.items()}


def public_functions(path):
    found = ast.parse((ROOT / path).read_text()).body  # an absolute path stays what it is
    return [
        each.name for each in found if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
    ]


@pytest.mark.parametrize(
    ("page", "path", "module"),
    [
        *(pytest.param("runner", path, "o2", id=f"runner-{path.stem}") for path in RUNNER),
        pytest.param("modules", "modules/o2.py", "o2", id="module-o2"),
        pytest.param("modules", "modules/occ.py", "occ", id="module-occ"),
        pytest.param("modules", "states/o2_environment.py", "o2_environment", id="state-module"),
    ],
)
def test_every_function_that_salt_offers_has_a_section(texts, page, path, module):
    functions = public_functions(path)
    assert functions
    for name in functions:
        assert f"# `{module}.{name.rstrip('_')}`\n" in texts[page]


@pytest.mark.parametrize("path", RUNNER, ids=lambda path: path.stem)
def test_no_word_of_a_docstring_is_lost(pages, path):
    docstrings = {
        each.name: ast.get_docstring(each)
        for each in ast.parse(path.read_text()).body
        if hasattr(each, "name")
    }
    for function in pages.execution.functions(path, "o2"):
        docstring = docstrings[function.name.removeprefix("o2.")]
        shown = " ".join(
            [function.text, *function.parameters, *function.parameters.values(), function.example]
        )
        lost = set(docstring.split()) - set(shown.split()) - {"CLI", "Example:", "..", "code-block::", "bash"}
        assert lost == set(), function.name


def test_a_parameters_text_is_not_repeated_above_the_table(texts):
    assert texts["runner"].count("Name of a workflow template, to plan a new environment.") == 1


def test_every_command_of_coconut_has_a_section(pages, texts):
    found = [
        (name, verb.name) for name, noun in pages.commands.nouns() for verb in pages.commands.verbs(noun)
    ]
    assert ("environment", "create") in found
    for noun, verb in found:
        assert f"coconut {noun}" in texts["coconut"]
        assert f"# coconut {noun} {verb}\n" in texts["coconut"] or f"# coconut {noun}\n" in texts["coconut"]


def test_aliases_have_no_section_of_their_own(texts):
    assert "### coconut environment ls" not in texts["coconut"]


def test_every_event_has_its_tag_and_fields(texts):
    for tag in (
        "<environment>/<STATE>",
        "<environment>/task/<task>/<STATE>",
        "<environment>/moves",
        "agent/<host>",
    ):
        assert f"## `salt/o2/{tag}`" in texts["events"]
    assert "| `run_number` |" in texts["events"]


@pytest.mark.parametrize("name", [*Site.__dataclass_fields__, *HostPillar.__dataclass_fields__])
def test_every_setting_is_named(texts, name):
    defaults = (ROOT / "states/o2/defaults.yaml").read_text()  # which the page includes
    assert f"| `{name}` |" in texts["settings"] or f"\n{name}:" in defaults


def test_every_setting_has_a_meaning(texts):
    rows = [line for line in texts["settings"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


@pytest.mark.parametrize(
    "name", [*(f"recovery_{each}" for each in RestartBudget.__dataclass_fields__), *TIMEOUT_VARIABLES]
)
def test_every_variable_that_steers_control_is_named(texts, name):
    assert f"| `{name}` |" in texts["settings"]


@pytest.mark.parametrize("policy", RestartPolicy)
def test_every_policy_of_recovery_is_named(texts, policy):
    assert f"`{policy}`" in texts["settings"]


@pytest.mark.parametrize("role", AccessRole)
def test_every_role_has_a_section_with_its_functions(texts, role):
    section = texts["roles"].split(f"## {role}\n")[1].split("## ")[0]
    for name in RUNNERS[role]:
        assert f"`salt-run o2.{name}`" in section
    assert "salt <host>" not in section


def test_every_function_of_hosts_is_in_the_page_of_roles(texts):
    for module, runner in BY_RUNNER.items():
        assert f"| `{module}` | `o2.{runner}` |" in texts["roles"]
    for module in WITHOUT_ROLE:
        assert f"| `{module}` | none: for root |" in texts["roles"]


def test_every_transition_is_in_the_table(texts):
    for event, source, target in TRANSITIONS:
        assert f"| `{event}` | `{source}` | `{target}` |" in texts["states"]


def test_every_table_of_keys_has_a_section(pages):
    tables = {name for name, value in vars(keys).items() if name.isupper() and isinstance(value, dict)}
    assert tables - {"CHANNEL"} == {name for name, _ in pages.template_keys.TABLES.values()}


@pytest.mark.parametrize(
    "name",
    sorted(
        {*GIVEN, *BUILT_IN, *PREDICATES, *ALIASES, *STRINGS, *JSON, *UID, *UTIL}
        | {f"{space}.{name}" for space, names in TABLE.items() for name in names}
        | {f"{name}." for name in KNOWN}
        | {each for functions in KNOWN.values() for each in functions}
    ),
)
def test_every_name_that_the_checker_knows_is_on_the_page_of_names(texts, name):
    assert f"`{name}`" in texts["names"]


def test_every_limit_is_on_the_page_of_names_with_its_meaning(texts):
    for name, value in vars(limits).items():
        if name.isupper():
            assert f"| {value:,} | " in texts["names"]
    assert "|  |" not in texts["names"].split("## Limits")[1]


def test_every_page_names_its_readers_first(texts):
    for text in texts.values():
        title, _, reader, *_ = text.splitlines()
        assert title.startswith("# ")
        assert reader.startswith("*For ")


@pytest.mark.parametrize(
    "path",
    [*DOCS.glob("tutorial/*.md"), *DOCS.glob("howto/*.md"), *DOCS.glob("explanation/*.md")],
    ids=lambda path: path.stem,
)
def test_every_written_page_names_its_readers_first(path):
    _, _, reader, *_ = path.read_text().splitlines()
    assert reader.startswith("*For ")


def test_writing_again_changes_nothing(pages, tmp_path):
    pages.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    pages.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
