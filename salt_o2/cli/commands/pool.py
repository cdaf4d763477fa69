"""coconut pool: tasks that wait for another environment."""

from typing import Annotated

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.confirmation import check_all
from salt_o2.presentation import pool

app = noun("The pool: tasks that env destroy or modify --keep-tasks has left, for others.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the tasks that wait, since when, and how much may wait.

    coconut pool list --json
    """
    ctx.obj.show(ctx.obj.ask("pool_list"), pool.pool)


@verb(app, "clean", "cleanup", "cl")
def clean(
    ctx: typer.Context,
    class_name: Annotated[
        str, typer.Option("-c", "--class", metavar="CLASS", help="Only those of this class.")
    ] = "",
    host: Annotated[str, typer.Option("-h", "--host", metavar="HOST", help="Only those on this host.")] = "",
    idle: Annotated[
        float, typer.Option("-i", "--idle", metavar="SECONDS", help="Only those idle for so long.", min=0)
    ] = 0.0,
    every: Annotated[bool, typer.Option("-a", "--all", help="All tasks that wait.")] = False,
) -> None:
    """End tasks that wait, and tell when they are gone; all of them only with --all, or after a question.

    coconut pool clean --all

    coconut pool clean --class readout --host flp1

    coconut pool clean --idle 600
    """
    narrowed = bool(class_name or host or idle)
    every = check_all(ctx.obj, every, narrowed, "end all tasks that wait", "--class, --host or --idle")
    wanted = {"all": True} if every else {"class_name": class_name, "host": host, "idle_s": idle}
    ctx.obj.show(ctx.obj.ask("pool_clean", wanted), pool.cleaned)
