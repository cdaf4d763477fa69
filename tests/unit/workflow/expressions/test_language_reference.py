"""The reference of expressions names everything that there is."""

from pathlib import Path

import pytest

from salt_o2.workflow.expressions.functions.aliecs import NAMESPACES
from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN, FUNCTIONS
from salt_o2.workflow.expressions.language.parser import PREDICATES
from salt_o2.workflow.variables.site_services import ALIASES, TABLE

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "explanation" / "expressions.md").read_text()


@pytest.mark.parametrize("name", sorted({*BUILT_IN, *FUNCTIONS, *PREDICATES, *ALIASES} - {*NAMESPACES}))
def test_every_function_is_in_the_reference(name):
    assert f"`{name}`" in PAGE or f"`{name}(" in PAGE


@pytest.mark.parametrize(
    ("space", "name"), [(space, name) for space, names in TABLE.items() for name in names]
)
def test_every_function_of_the_site_is_in_the_reference(space, name):
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{space}.`")]
    assert f"`{name}" in line
