"""coconut task: the processes of all environments."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import task_ids
from salt_o2.cli.ui import log_follow
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.terminal import Terminal
from salt_o2.cli.ui.watch import Watch, show_list
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
    watch: Watch = False,
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
    show_list(ctx.obj, "task_list", given, tasks.all_tasks_table, watch)


_WORD = "Task ID, its first characters, or the path of its role."
Task = Annotated[str, typer.Argument(metavar="TASK", help=_WORD, autocompletion=task_ids)]
Environment = Annotated[
    str, typer.Option("-i", "--env", metavar="ID", help="Its environment, if several have such a role.")
]


@verb(app, "info", "show", "i", "s")
def info(ctx: typer.Context, task: Task, environment: Environment = "") -> None:
    """Show one task, active or ended: state, failures, command.

    coconut task info readout.sink
    """
    ctx.obj.show(ctx.obj.ask("task_info", _named(task, environment)), tasks.one_task, ("error", "output"))


@verb(app, "kill")
def kill(ctx: typer.Context, task: Task, environment: Environment = "") -> int:
    """Kill the processes of a task; its recovery policy follows.

    coconut task kill 7AbRmBG3z2A
    """
    found = ctx.obj.ask("task_kill", _named(task, environment))
    ctx.obj.show(found, tasks.killed)
    return int(not found["killed"])


@verb(app, "recover", "restart")
def recover(ctx: typer.Context, task: Task, environment: Environment = "") -> None:
    """Restart a failed task now, against its recovery policy too.

    coconut task recover readout.sink
    """
    ctx.obj.show(ctx.obj.ask("task_recover", _named(task, environment)), tasks.recovered)


def _named(task: str, environment: str) -> dict[str, str]:
    return {"task": task} | ({"environment": environment} if environment else {})


@verb(app, "log")
def log(
    ctx: typer.Context,
    task: Task,
    lines: Annotated[int, typer.Option("-n", "--lines", help="Number of lines.", min=1)] = 40,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Print new output until Ctrl-C or the task's end.")
    ] = False,
    environment: Environment = "",
) -> None:
    """Show the last output of a task, also of an ended one.

    coconut task log 7AbRmBG3z2A -n 100

    coconut task log readout.sink -f
    """
    terminal: Terminal = ctx.obj
    if follow and terminal.json:
        raise typer.BadParameter("--follow cannot be used with --json")
    found = log_follow.task_log(terminal, _named(task, environment), lines)
    terminal.show(found, tasks.task_output)
    if follow:
        for line in log_follow.follow(terminal, found["task"], found["at"]):
            terminal.say(line)
        terminal.note(f"task {found['task']} has ended")
