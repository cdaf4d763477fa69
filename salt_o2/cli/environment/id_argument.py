"""Words that several verbs take."""

from typing import Annotated

import typer

from salt_o2.cli.ui.terminal import Terminal


def complete_id(incomplete: str) -> list[str]:
    """Return the ids that begin with what was typed; none if control cannot be asked."""
    try:
        found = Terminal(json=True).ask("env_list", {"all": False}, timeout_s=2)
    except Exception:
        return []
    return [env["id"] for env in found if env["id"].startswith(incomplete)]


_ID = typer.Argument(
    metavar="ID", help="Environment ID, or its first characters.", autocompletion=complete_id
)
Id = Annotated[str, _ID]
OptionalId = Annotated[
    str,
    typer.Argument(
        metavar="[ID]", help="Environment ID, or its first characters.", autocompletion=complete_id
    ),
]
