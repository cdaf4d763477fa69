"""How nouns declare their verbs, with the aliases that AliECS's users have in their fingers."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer

Verb = TypeVar("Verb", bound=Callable[..., Any])


def noun(summary: str) -> typer.Typer:
    """Return an empty noun; without a verb it shows its help."""
    return typer.Typer(help=summary, no_args_is_help=True, add_completion=False)


def verb(app: typer.Typer, name: str, *aliases: str) -> Callable[[Verb], Verb]:
    """Declare the decorated function as verb ``name`` of ``app``, reachable by ``aliases`` too."""

    def declare(function: Verb) -> Verb:
        text = _prose(function.__doc__ or "")
        also = f"\n\nAlso: {', '.join(aliases)}." if aliases else ""
        app.command(name, help=text + also)(function)
        for alias in aliases:
            app.command(alias, help=text, hidden=True)(function)
        return function

    return declare


def _prose(docstring: str) -> str:
    return "\n".join(line.strip() for line in docstring.strip().splitlines())
