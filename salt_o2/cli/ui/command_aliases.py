"""How nouns declare their verbs, with the aliases that AliECS's users have in their fingers."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer

Verb = TypeVar("Verb", bound=Callable[..., Any])


def noun(summary: str) -> typer.Typer:
    """Return an empty noun; without a verb it shows its help."""
    app = typer.Typer(help=summary, no_args_is_help=True, add_completion=False)
    app.callback()(_nothing)  # or typer would make a noun with one verb into that verb
    return app


def _nothing() -> None:
    pass


def verb(app: typer.Typer, name: str, *aliases: str) -> Callable[[Verb], Verb]:
    """Declare the decorated function as verb ``name`` of ``app``, reachable by ``aliases`` too."""

    def declare(function: Verb) -> Verb:
        text = _prose(function.__doc__ or "")
        app.command(name, help=with_aliases(text, aliases))(function)
        for alias in aliases:
            app.command(alias, help=text, hidden=True)(function)
        return function

    return declare


def with_aliases(text: str, aliases: tuple[str, ...]) -> str:
    """Return a help text whose first line ends with the aliases, where lists of commands show them."""
    first, _, rest = text.partition("\n")
    return f"{first} ({', '.join(aliases)})\n{rest}".strip() if aliases else text


def _prose(docstring: str) -> str:
    return "\n".join(line.strip() for line in docstring.strip().splitlines())
