"""coconut task: the processes of all environments."""

import time
from typing import Annotated

import typer

from salt_o2.cli.terminal import Terminal
from salt_o2.cli.verbs import noun, verb
from salt_o2.cli.voice import new_lines, task_log
from salt_o2.control import past_text, render

app = noun("Tasks: the processes of all environments.")

FOLLOW_S = 0.5
FOLLOWED_LINES = 1000
"""How many lines are asked for at a time while following; more than come in one period."""


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the tasks of all environments."""
    ctx.obj.show(ctx.obj.ask("task_list"), render.all_tasks_table)


@verb(app, "log")
def log(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="The task, or a beginning of its id.")],
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the last lines.", min=1)] = 40,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show what a task wrote last.

    coconut task log 7AbRmBG3z2A -n 100

    coconut task log 7AbRmBG3z2A -f
    """
    terminal: Terminal = ctx.obj
    if follow and terminal.json:
        raise typer.BadParameter("--follow does not go with --json")
    found = task_log(terminal, identity, lines)
    terminal.show(found, past_text.task_output)
    if follow:
        _follow(terminal, identity, found["stdout"])


def _follow(terminal: Terminal, identity: str, seen: list[str]) -> None:
    while True:
        time.sleep(FOLLOW_S)
        now = task_log(terminal, identity, FOLLOWED_LINES)["stdout"]
        for line in new_lines(seen, now):
            terminal.say(line)
        seen = now
