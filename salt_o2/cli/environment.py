"""coconut environment: create, show, list, control and destroy environments."""

import time
from typing import Annotated, Any

import typer

from salt_o2.cli.arguments import variables
from salt_o2.cli.terminal import Terminal
from salt_o2.cli.verbs import noun, verb
from salt_o2.control import render

SHORTCUTS = {"START": "START_ACTIVITY", "STOP": "STOP_ACTIVITY"}


def complete_id(incomplete: str) -> list[str]:
    """Return the ids that begin with what was typed; none if control cannot be asked."""
    try:
        found = Terminal(json=True).ask("env_list", {"all": False}, timeout_s=2)
    except Exception:
        return []
    return [env["id"] for env in found if env["id"].startswith(incomplete)]


app = noun("Environments: create, show, list, control, destroy.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID", help="The environment, or an unambiguous beginning.", autocompletion=complete_id
    ),
]


@verb(app, "create", "new", "c", "n")
def create(
    ctx: typer.Context,
    workflow: Annotated[str, typer.Option("-w", "--workflow-template", help="Which workflow to deploy.")],
    given: Annotated[
        list[str], typer.Option("-e", "--extra-vars", help="Variables: k=v[,k=v...] or JSON; repeatable.")
    ] = [],  # noqa: B006  typer copies it
) -> None:
    """Deploy and configure a new environment."""
    arguments = {"workflow": workflow, "vars": variables(given)}
    _conclude(ctx.obj, ctx.obj.ask("env_create", arguments), render.created)


@verb(app, "show", "get", "s", "g")
def show(
    ctx: typer.Context,
    identity: Id,
    tasks: Annotated[bool, typer.Option("-t", "--tasks", help="With the table of tasks.")] = False,
    workflow: Annotated[bool, typer.Option("-w", "--workflow", help="With the tree of roles.")] = False,
) -> None:
    """Show one environment."""
    env = ctx.obj.ask("env_show", {"id": identity})
    ctx.obj.show(env, lambda found: render.environment(found, tasks, workflow))


@verb(app, "list", "ls", "l")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("-s", "-a", "--all", "--show-all", help="Ended ones too.")] = False,
) -> None:
    """List the environments."""
    ctx.obj.show(ctx.obj.ask("env_list", {"all": every}), render.environment_table)


@verb(app, "control", "ctl", "ct", "t")
def control(
    ctx: typer.Context,
    identity: Id,
    event: Annotated[
        str, typer.Option("-e", "--event", help="START(_ACTIVITY), STOP(_ACTIVITY), CONFIGURE, RESET, ...")
    ],
) -> None:
    """Send an event to an environment and wait for the state it leads to."""
    wanted = SHORTCUTS.get(event.upper(), event.upper())
    arguments = {"id": identity, "event": wanted}
    begin = time.monotonic()
    env = ctx.obj.ask("env_control", arguments)
    _conclude(ctx.obj, env, lambda found: render.moved(found, time.monotonic() - begin))


@verb(app, "destroy", "des", "d")
def destroy(
    ctx: typer.Context,
    identity: Id,
    running: Annotated[
        bool, typer.Option("-a", "--allow-in-running-state", help="Stop the run first, if there is one.")
    ] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Whatever state it is in.")] = False,
) -> None:
    """End an environment and all its tasks."""
    arguments = {"id": identity, "allow_in_running_state": running, "force": force}
    env = ctx.obj.ask("env_destroy", arguments)
    ctx.obj.show(env, lambda found: f"teardown complete for environment {found['id']}")


def _conclude(terminal: Terminal, env: dict[str, Any], text: Any) -> None:
    """Show what came of it; an environment in ERROR is a failure for the caller, too."""
    terminal.show(env, text)
    if env["state"] == "ERROR":
        raise typer.Exit(1)
