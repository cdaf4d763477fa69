"""coconut run: data-taking runs."""

from typing import Annotated

import typer

from salt_o2.cli.bending import Reason
from salt_o2.cli.verbs import noun, verb
from salt_o2.control import past_text, render

app = noun("Runs: list, show, stop.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the last runs, the newest first.

    coconut run list --json
    """
    ctx.obj.show(ctx.obj.ask("run_list"), past_text.run_table)


@verb(app, "show", "get", "s", "g")
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The run's number.")],
) -> None:
    """Show one run: its environment, who started it, when it began and ended.

    coconut run show 42
    """
    ctx.obj.show(ctx.obj.ask("run_show", {"number": number}), past_text.run)


@verb(app, "stop")
def stop(ctx: typer.Context, reason: Reason = "asked for by a person") -> None:
    """Stop every run that is going on.

    coconut run stop -r 'beam dump'
    """
    ctx.obj.show(ctx.obj.ask("run_stop", {"reason": reason}), render.environment_table)
