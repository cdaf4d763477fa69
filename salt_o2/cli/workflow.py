"""coconut workflow: the workflow templates that control can deploy."""

import typer

from salt_o2.cli.verbs import noun, verb
from salt_o2.control import render

app = noun("Workflow templates.")


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List the workflow templates of all repositories."""
    ctx.obj.show(ctx.obj.ask("workflow_list"), render.workflow_table)
