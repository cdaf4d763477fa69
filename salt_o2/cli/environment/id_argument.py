"""Words that several verbs take."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import environment_ids

_HELP = "Environment ID, or its first characters."
Id = Annotated[str, typer.Argument(metavar="ID", help=_HELP, autocompletion=environment_ids)]
OptionalId = Annotated[str, typer.Argument(metavar="[ID]", help=_HELP, autocompletion=environment_ids)]
