"""The options that bend a workflow or an environment, shared by plan, create and modify."""

from typing import Annotated, Any

import typer

from salt_o2.cli.environment import completion
from salt_o2.cli.ui.parsing import move, names, scale, variables

Vars = Annotated[
    list[str],
    typer.Option(
        "-e",
        "--extra-vars",
        help="Variables: k=v[,k=v...] or JSON; repeatable.",
        autocompletion=completion.variable_values,
    ),
]
Scale = Annotated[
    list[str],
    typer.Option(
        metavar="ROLE=NUMBER",
        help="Number of roles of an iterator: epn=20.",
        autocompletion=completion.role_counts,
    ),
]
Move = Annotated[
    list[str],
    typer.Option(
        metavar="ROLE=HOST", help="Host for the task of a role.", autocompletion=completion.role_hosts
    ),
]
Exclude = Annotated[
    list[str],
    typer.Option(
        metavar="ROLE|DETECTOR",
        help="Exclude a role or detector from data-taking.",
        autocompletion=completion.roles_and_detectors,
    ),
]
Include = Annotated[
    list[str],
    typer.Option(
        metavar="ROLE|DETECTOR",
        help="Include a role or detector again.",
        autocompletion=completion.roles_and_detectors,
    ),
]
WorkflowName = Annotated[
    str,
    typer.Option(
        "-w",
        "--workflow-template",
        help="Workflow template to deploy.",
        autocompletion=completion.workflow_names,
    ),
]
AllExcluded = Annotated[
    bool, typer.Option("--allow-all-excluded", help="Allow that all (critical) tasks are excluded.")
]
Reason = Annotated[str, typer.Option("-r", "--reason", help="Reason, for the history.")]
Token = Annotated[str, typer.Option("--plan", metavar="TOKEN", help="Apply exactly this plan of env plan.")]


def bending(
    given: list[str],
    scaled: list[str],
    moved: list[str],
    excluded: list[str],
    included: list[str] | None = None,
    reason: str = "",
    allow_all_excluded: bool = False,
) -> dict[str, Any]:
    """Return control's arguments for these options; options that are not given are omitted.

    Raises:
        InvalidRequestError: if one cannot be read.
    """
    arguments: dict[str, Any] = {
        "vars": variables(given),
        "scale": scale(scaled),
        "move": move(moved),
        "exclude": names(excluded),
        "include": names(included or []),
        "reason": reason,
        "allow_all_excluded": allow_all_excluded,
    }
    return {name: value for name, value in arguments.items() if value}
