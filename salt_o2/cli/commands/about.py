"""coconut about: version and socket."""

import typer

from salt_o2.presentation.layout import block

app = typer.Typer(add_completion=False)


@app.command()
def about(ctx: typer.Context) -> None:
    """Show the version of coconut and where it looks for control."""
    from importlib.metadata import version

    from salt_o2.cli.ui.socket_lookup import control_socket

    facts = {
        "name": "Salt O²",
        "version": version("salt-o2"),
        "control": str(control_socket(ctx.obj.control)),
    }
    ctx.obj.show(facts, lambda found: block(list(found.items())))
