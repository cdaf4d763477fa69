"""coconut task: the processes of all environments."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import task_ids
from salt_o2.cli.ui import log_follow
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.terminal import Terminal
from salt_o2.presentation import tasks

app = noun("Tasks: the processes of all environments.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the tasks of all environments."""
    ctx.obj.show(ctx.obj.ask("task_list"), tasks.all_tasks_table)


@verb(app, "log")
def log(
    ctx: typer.Context,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="Task ID, or its first characters.", autocompletion=task_ids)
    ],
    lines: Annotated[int, typer.Option("-n", "--lines", help="Number of lines.", min=1)] = 40,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Print new output until Ctrl-C or the task's end.")
    ] = False,
) -> None:
    """Show the last output of a task.

    coconut task log 7AbRmBG3z2A -n 100

    coconut task log 7AbRmBG3z2A -f
    """
    terminal: Terminal = ctx.obj
    if follow and terminal.json:
        raise typer.BadParameter("--follow cannot be used with --json")
    found = log_follow.task_log(terminal, identity, lines)
    terminal.show(found, tasks.task_output)
    if follow:
        for line in log_follow.follow(terminal, found["task"], found["at"]):
            terminal.say(line)
        terminal.note(f"task {found['task']} has ended")
