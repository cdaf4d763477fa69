"""The commands of coconut, from the declarations that parse them."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from pages import markdown
from salt_o2.cli import app as coconut


def page() -> str:
    """Return the page of coconut."""
    return markdown.page(
        "coconut",
        "For shift crews, run coordinators and new users: every command of `coconut`.",
        markdown.prose(coconut.HELP),
        "## Options of every command\n",
        _options(typer.main.get_command(coconut.app)),
        *_sections(),
    )


def nouns() -> Iterator[tuple[str, Any]]:
    """Yield the name and the command of each noun."""
    root = typer.main.get_command(coconut.app)
    for name in coconut.NOUNS:
        yield name, root.get_command(None, name)  # type: ignore[attr-defined]


def verbs(noun: Any) -> Iterator[Any]:
    """Yield the commands of a noun, without the aliases; a noun without verbs is its own command."""
    if not hasattr(noun, "commands"):
        yield noun
        return
    yield from (each for each in noun.commands.values() if not each.hidden)


def _sections() -> Iterator[str]:
    for name, noun in nouns():
        yield f"## coconut {name}\n"
        if not hasattr(noun, "commands"):
            yield _command(noun)
            continue
        yield markdown.prose(inspect.cleandoc(noun.help or "")) + "\n"
        for verb in verbs(noun):
            yield f"### coconut {name} {verb.name}\n"
            yield _command(verb)


def _command(command: Any) -> str:
    said, examples = [], []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        (examples if paragraph.startswith("coconut ") else said).append(paragraph)
    parts = [*(_paragraph(each) for each in said), _options(command)]
    return "\n".join([*parts, markdown.code("\n".join(examples), "bash")] if examples else parts)


def _paragraph(text: str) -> str:
    """Return text as it flows; what is aligned by blanks stays as it is."""
    return markdown.code(text, "text") if "   " in text else markdown.prose(text) + "\n"


def _options(command: Any) -> str:
    own = [each for each in command.params if each.name != "help"]
    rows = [(_words(each), getattr(each, "help", None) or "") for each in own]
    return markdown.table(("option", "meaning"), rows) if rows else ""


def _words(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{option.metavar or option.name.upper()}`"
    value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
    return ", ".join(f"`{word}{value}`" for word in (*option.opts, *option.secondary_opts))
