"""Ask the user before a verb acts on all items because its argument was omitted."""

import sys

import typer

from salt_o2.cli.ui.terminal import Terminal


def check_all(terminal: Terminal, every: bool, narrowed: bool, deed: str, instead: str) -> bool:
    """Return whether the verb must act on all items. At a terminal, ask the user.

    ``deed`` describes the action and its object, as in ``stop all runs``. ``instead`` names the other
    arguments.

    ``every`` is the option ``--all``. ``narrowed`` is true if other arguments select items.

    Raises:
        typer.BadParameter: if both are given, or neither and no user can be asked.
        typer.Exit: if the user says no.
    """
    if every and narrowed:
        raise typer.BadParameter(f"--all would {deed}: remove either --all or {instead}")
    if every or narrowed:
        return every
    if terminal.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise typer.BadParameter(f"give {instead}, or --all to {deed}; nothing was done")
    if not typer.confirm(f"{deed.capitalize()}?"):
        terminal.note("nothing was done")
        raise typer.Exit(1)
    return True
