"""Ask the user before a command stops much: all runs, all tasks of the pool, roles of an environment.

At a terminal the user is asked. A script gives ``--yes``; without it the command is refused.
"""

import sys
from typing import Annotated

import typer

from salt_o2.cli.ui.terminal import Terminal, is_terminal

Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation; for scripts.")]


def confirm(terminal: Terminal, deed: str, yes: bool) -> None:
    """Return if the user agrees to ``deed``, which describes the action and its object: ``stop all runs``.

    ``yes`` is the option ``--yes``.

    Raises:
        typer.BadParameter: if the user has not given ``--yes`` and cannot be asked.
        typer.Exit: if the user says no.
    """
    if yes:
        return
    if terminal.json or not (sys.stdin.isatty() and is_terminal()):
        raise typer.BadParameter(f"this would {deed}: --yes does it without a question; nothing was done")
    if not typer.confirm(f"{deed[:1].upper()}{deed[1:]}?"):
        terminal.note("nothing was done")
        raise typer.Exit(1)


def check_all(terminal: Terminal, every: bool, narrowed: bool, deed: str, instead: str, yes: bool) -> bool:
    """Return whether the command must act on all items, after the user has agreed to that.

    ``deed`` describes the action and its object, as in ``stop all runs``. ``instead`` names the other
    arguments.

    ``every`` is the option ``--all``, ``yes`` the option ``--yes``. ``narrowed`` is true if other arguments
    select items.

    Raises:
        typer.BadParameter: if both are given, or neither and no user can be asked, or only ``--all`` and no
            user can be asked.
        typer.Exit: if the user says no.
    """
    if every and narrowed:
        raise typer.BadParameter(f"--all would {deed}: remove either --all or {instead}")
    if narrowed:
        return False
    if not every and (yes or terminal.json or not (sys.stdin.isatty() and is_terminal())):
        raise typer.BadParameter(f"give {instead}, or --all --yes to {deed}; nothing was done")
    confirm(terminal, deed, yes)
    return True
