"""coconut run: data-taking runs."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import run_numbers
from salt_o2.cli.environment.override_options import Reason
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.confirmation import check_all
from salt_o2.presentation import environments, runs

app = noun("Runs: list, show, stop.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the last runs, the newest first.

    coconut run list --json
    """
    ctx.obj.show(ctx.obj.ask("run_list"), runs.run_table)


@verb(app, "show", "get", "s", "g")
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Run number.", autocompletion=run_numbers)],
) -> None:
    """Show one run: environment, user, start and end.

    coconut run show 42
    """
    ctx.obj.show(ctx.obj.ask("run_show", {"number": number}), runs.run)


@verb(app, "stop")
def stop(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[NUMBER...]", help="Run numbers.", autocompletion=run_numbers),
    ] = None,
    every: Annotated[bool, typer.Option("-a", "--all", help="Stop all runs.")] = False,
    reason: Reason = "requested by a user",
) -> int:
    """Stop runs.

    coconut run stop 42 -r 'noisy detector'

    coconut run stop --all -r 'beam dump'
    """
    every = check_all(ctx.obj, every, bool(numbers), "stop all runs", "run numbers")
    wanted = {"all": True} if every else {"numbers": numbers}
    found = ctx.obj.ask("run_stop", wanted | {"reason": reason})
    ctx.obj.show(found, environments.stopped)
    return int(not all(env["stopped"] for env in found))
