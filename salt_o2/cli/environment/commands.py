"""coconut environment: commands on environments."""

import time
from typing import Annotated, Any

import typer

from salt_o2.cli.environment import history_commands, plan_commands
from salt_o2.cli.environment.completion import SHORTCUTS, event_names
from salt_o2.cli.environment.id_argument import Id
from salt_o2.cli.environment.override_options import (
    AllExcluded,
    Exclude,
    Move,
    Scale,
    Token,
    Vars,
    WorkflowName,
    bending,
)
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.terminal import conclude
from salt_o2.cli.ui.watch import Watch, show_list
from salt_o2.presentation import environments

app = noun("Environments.")

verb(app, "plan", "p")(plan_commands.plan)


@verb(app, "create", "new", "c", "n")
def create(
    ctx: typer.Context,
    workflow: WorkflowName = "",
    given: Vars = [],  # noqa: B006  typer copies them
    token: Token = "",
    scale: Scale = [],  # noqa: B006
    move: Move = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    auto: Annotated[
        bool, typer.Option("-a", "--auto", help="Start a run at once; destroy the environment after it.")
    ] = False,
    all_excluded: AllExcluded = False,
) -> None:
    """Deploy and configure a new environment.

    coconut env create -w fairmq-ex-1-n-1 -e processors=4

    coconut env create -w readout --scale epn=20 --exclude TPC

    coconut env create --plan KWff3wNJq1o

    coconut env create -w readout --auto -e auto_stop_enabled=true,auto_stop_timeout=10m
    """
    arguments: dict[str, Any] = {} if token and not workflow else {"workflow": workflow, "vars": {}}
    arguments |= bending(given, scale, move, exclude, allow_all_excluded=all_excluded)
    _check_creation(workflow, token, arguments)
    arguments |= {"plan": token} if token else {}
    arguments |= {"auto": True} if auto else {}
    conclude(ctx.obj, ctx.obj.ask("env_create", arguments), environments.created)


def _check_creation(workflow: str, token: str, arguments: dict[str, Any]) -> None:
    if not token and not workflow:
        raise typer.BadParameter("give --workflow-template or --plan")
    if token and arguments:
        raise typer.BadParameter(
            f"--plan already contains every change: remove {', '.join(sorted(arguments))}"
        )


@verb(app, "show", "get", "s", "g")
def show(
    ctx: typer.Context,
    identity: Id,
    tasks: Annotated[bool, typer.Option("-t", "--tasks", help="Show the table of tasks.")] = False,
    workflow: Annotated[bool, typer.Option("-w", "--workflow", help="Show the tree of roles.")] = False,
) -> None:
    """Show one environment."""
    env = ctx.obj.ask("env_show", {"id": identity})
    ctx.obj.show(env, lambda found: environments.environment(found, tasks, workflow))


@verb(app, "list", "ls", "l")
def list_(
    ctx: typer.Context,
    every: Annotated[
        bool, typer.Option("-s", "-a", "--all", "--show-all", help="Also ended environments.")
    ] = False,
    watch: Watch = False,
) -> None:
    """List the environments."""
    show_list(ctx.obj, "env_list", {"all": every}, environments.environment_table, watch)


@verb(app, "control", "ctl", "ct", "t")
def control(
    ctx: typer.Context,
    identity: Id,
    event: Annotated[
        str,
        typer.Option(
            "-e",
            "--event",
            help="START(_ACTIVITY), STOP(_ACTIVITY), CONFIGURE, RESET, ...",
            autocompletion=event_names,
        ),
    ],
) -> None:
    """Send an event and wait for the new state."""
    wanted = SHORTCUTS.get(event.upper(), event.upper())
    arguments = {"id": identity, "event": wanted}
    begin = time.monotonic()
    env = ctx.obj.ask("env_control", arguments)
    conclude(ctx.obj, env, lambda found: environments.moved(found, time.monotonic() - begin))


@verb(app, "destroy", "des", "d")
def destroy(
    ctx: typer.Context,
    identity: Id,
    running: Annotated[
        bool, typer.Option("-a", "--allow-in-running-state", help="Stop the run first.")
    ] = False,
    force: Annotated[bool, typer.Option("-f", "--force", help="Destroy it in any state.")] = False,
    keep: Annotated[
        bool, typer.Option("-k", "--keep-tasks", help="Move its tasks to the pool, in STANDBY.")
    ] = False,
) -> None:
    """Destroy an environment and stop its tasks.

    coconut env destroy 2oD

    coconut env destroy 2oD --keep-tasks

    The next environment that fits them takes tasks from the pool: see pool list and env plan.
    """
    arguments = {"id": identity, "allow_in_running_state": running, "force": force}
    arguments |= {"keep_tasks": True} if keep else {}
    ctx.obj.show(ctx.obj.ask("env_destroy", arguments), environments.ended)


verb(app, "modify", "m", "mod")(plan_commands.modify)
verb(app, "repeat")(plan_commands.repeat)
verb(app, "history")(history_commands.history)
verb(app, "replay")(history_commands.replay)
verb(app, "diff")(history_commands.diff)
