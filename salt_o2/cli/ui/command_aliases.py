"""Declare nouns and their verbs, with aliases from AliECS's command line."""

from collections.abc import Callable
from typing import Any, TypeVar

import typer

Verb = TypeVar("Verb", bound=Callable[..., Any])


def noun(summary: str) -> typer.Typer:
    """Return an empty noun. Without a verb, it shows its help."""
    app = typer.Typer(help=summary, no_args_is_help=True, add_completion=False)
    app.callback()(_nothing)  # without a callback, typer turns a noun with one verb into that verb
    return app


def _nothing() -> None:
    pass


def verb(app: typer.Typer, name: str, *aliases: str) -> Callable[[Verb], Verb]:
    """Declare the decorated function as verb ``name`` of ``app``, with ``aliases``."""

    def declare(function: Verb) -> Verb:
        text = _prose(function.__doc__ or "")
        app.command(name, help=with_aliases(text, aliases))(function)
        for alias in aliases:
            app.command(alias, help=text, hidden=True)(function)
        return function

    return declare


def with_aliases(text: str, aliases: tuple[str, ...]) -> str:
    """Return a help text whose first line ends with the aliases, because lists of commands show that line."""
    first, _, rest = text.partition("\n")
    return f"{first} ({', '.join(aliases)})\n{rest}".strip() if aliases else text


def _prose(docstring: str) -> str:
    return "\n".join(line.strip() for line in docstring.strip().splitlines())
