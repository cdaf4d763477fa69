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
def list_(
    ctx: typer.Context,
    environment: Annotated[
        str, typer.Option("-i", "--env", metavar="ID", help="Only tasks of this environment.")
    ] = "",
    host: Annotated[str, typer.Option(metavar="HOST", help="Only tasks on this host.")] = "",
    state: Annotated[str, typer.Option("-s", "--state", help="A state; excluded, lost or failed.")] = "",
    role: Annotated[
        str, typer.Option("-r", "--role", metavar="GLOB", help="Only roles of these paths.")
    ] = "",
    class_name: Annotated[
        str, typer.Option("-c", "--class", metavar="GLOB", help="Only tasks of these classes.")
    ] = "",
    detector: Annotated[str, typer.Option("-d", "--detector", help="Only tasks of this detector.")] = "",
) -> None:
    """List tasks: role, class, host, state, PID, restarts and age.

    coconut task list --host flp1 --state failed

    coconut task list --role '*.epn*' --env 2oD
    """
    wanted = {
        "environment": environment,
        "host": host,
        "state": state,
        "role": role,
        "class_name": class_name,
        "detector": detector,
    }
    given = {name: value for name, value in wanted.items() if value}
    ctx.obj.show(ctx.obj.ask("task_list", given), tasks.all_tasks_table)


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
