"""coconut task: the processes of all environments."""

from typing import Annotated, Any

import typer

from salt_o2.cli.verbs import noun, verb
from salt_o2.cli.voice import task_log
from salt_o2.control import render

app = noun("Tasks: the processes of all environments.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the tasks of all environments."""
    ctx.obj.show(ctx.obj.ask("task_list"), render.all_tasks_table)


@verb(app, "log")
def log(
    ctx: typer.Context,
    identity: Annotated[str, typer.Argument(metavar="ID", help="The task.")],
    lines: Annotated[int, typer.Option("-n", "--lines", help="How many of the last lines.", min=1)] = 40,
) -> None:
    """Show what a task wrote last."""
    ctx.obj.show(task_log(ctx.obj, identity, lines), render_log)


def render_log(found: dict[str, Any]) -> str:
    """Return a task's output, then its errors."""
    errors = [f"stderr: {line}" for line in found.get("stderr") or []]
    return "\n".join([*(found.get("stdout") or []), *errors]) or f"{found['task']} has written nothing"
