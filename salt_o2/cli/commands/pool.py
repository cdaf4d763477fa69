"""coconut pool: idle tasks for another environment."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import host_names
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.confirmation import Yes, check_all
from salt_o2.cli.ui.watch import Watch, show_list
from salt_o2.presentation import pool

app = noun("The pool: idle tasks that the next environment can use.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context, watch: Watch = False) -> None:
    """List the tasks of the pool and its limits.

    coconut pool list --json
    """
    show_list(ctx.obj, "pool_list", {}, pool.pool, watch)


@verb(app, "clean", "cleanup", "cl")
def clean(
    ctx: typer.Context,
    class_name: Annotated[
        str, typer.Option("-c", "--class", metavar="CLASS", help="Only tasks of this class.")
    ] = "",
    host: Annotated[
        str,
        typer.Option(
            "-h", "--host", metavar="HOST", help="Only tasks on this host.", autocompletion=host_names
        ),
    ] = "",
    idle: Annotated[
        float,
        typer.Option(
            "-i", "--idle", metavar="SECONDS", help="Only tasks that are idle for this time.", min=0
        ),
    ] = 0.0,
    every: Annotated[bool, typer.Option("-a", "--all", help="All tasks of the pool.")] = False,
    yes: Yes = False,
) -> None:
    """Stop tasks of the pool.

    coconut pool clean --all --yes

    coconut pool clean --class readout --host flp1

    coconut pool clean --idle 600
    """
    narrowed = bool(class_name or host or idle)
    instead = "--class, --host or --idle"
    every = check_all(ctx.obj, every, narrowed, "stop all tasks of the pool", instead, yes)
    wanted = {"all": True} if every else {"class_name": class_name, "host": host, "idle_s": idle}
    ctx.obj.show(ctx.obj.ask("pool_clean", wanted), pool.cleaned)
