"""coconut run: data-taking runs."""

from typing import Annotated

import typer

from salt_o2.cli.verbs import noun, verb

app = noun("Runs.")


@verb(app, "stop")
def stop(
    ctx: typer.Context,
    reason: Annotated[
        str, typer.Option("-r", "--reason", help="Why, for the record.")
    ] = "asked for by a person",
) -> None:
    """Stop every run that is going on."""
    import json

    ctx.obj.show(ctx.obj.ask("run_stop", {"reason": reason}), lambda result: json.dumps(result, indent=2))
