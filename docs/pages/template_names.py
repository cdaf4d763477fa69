"""The names that expressions know and the limits of templates, from the tables of the language itself."""

from collections.abc import Iterable

from pages import markdown
from pages.source import constants
from salt_o2.workflow import limits
from salt_o2.workflow.expansion.known_calls import KNOWN
from salt_o2.workflow.expansion.open_variables import GIVEN
from salt_o2.workflow.expressions.functions.aliecs import JSON, STRINGS, UID, UTIL
from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN, FUNCTIONS
from salt_o2.workflow.expressions.language.parser import PREDICATES
from salt_o2.workflow.variables.site_services import ALIASES, TABLE

SPACES = {"strings": STRINGS, "json": JSON, "uid": UID, "util": [*UTIL, "PrefixedOverride", "Dump"]}


def page() -> str:
    """Return the page of names and limits."""
    return markdown.page(
        "Names and limits of templates",
        "For authors of workflow and task templates.",
        "[Expressions](../explanation/expressions.md) describes them. This page lists all names of "
        "the checker.\n",
        f"## Variables that control gives\n\n{_given()}",
        f"## Functions\n\n{_spaces()}",
        f"Without a namespace: {_names({*BUILT_IN, *FUNCTIONS} - {*SPACES})}.\n",
        f"With a predicate: {_names(PREDICATES)}.\n",
        f"## Functions of the site\n\n{_site()}",
        f"## Calls of integrations\n\n{_calls()}",
        f"## Limits\n\nA value above its limit is an error.\n\n{_limits()}",
    )


def _given() -> str:
    return markdown.table(("variable", "what it is"), [(f"`{name}`", what) for name, what in GIVEN.items()])


def _spaces() -> str:
    rows = [(f"`{space}.`", _names(names)) for space, names in SPACES.items()]
    return markdown.table(("namespace", "functions"), rows)


def _site() -> str:
    older = {target: alias for alias, target in ALIASES.items()}
    rows = [
        (f"`{space}.{name}`", f"`{older[space, name]}`" if (space, name) in older else "")
        for space, names in TABLE.items()
        for name in names
    ]
    return markdown.table(("function", "older name"), rows)


def _calls() -> str:
    rows = [(f"`{name}.`", _names(functions)) for name, functions in KNOWN.items()]
    about = "The calls of templates in production. The checker notes any other call.\n\n"
    return about + markdown.table(("integration", "functions"), rows)


def _limits() -> str:
    rows = [(f"{getattr(limits, name):,}", markdown.prose(text)) for name, text in constants(limits).items()]
    return markdown.table(("limit", "of what"), rows)


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names, key=str.lower))
