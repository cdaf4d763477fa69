"""coconut host: the hosts whose agents control knows."""

import typer

from salt_o2.cli.verbs import noun, verb
from salt_o2.control import render

app = noun("Hosts.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the hosts, what they offer, and when they were last heard."""
    ctx.obj.show(ctx.obj.ask("host_list"), render.host_table)
