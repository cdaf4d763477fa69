"""coconut environment plan and modify: what would change, and to change it without redeploying."""

import time
from typing import Annotated, Any

import typer

from salt_o2.cli.environment.id_argument import Id, OptionalId
from salt_o2.cli.environment.override_options import (
    AllExcluded,
    Exclude,
    Include,
    Move,
    Reason,
    Scale,
    Token,
    Vars,
    WorkflowName,
    bending,
)
from salt_o2.cli.ui.confirmation import Yes, confirm
from salt_o2.cli.ui.terminal import Terminal, conclude
from salt_o2.presentation import environments, plans

MAY_STOP = frozenset({"vars", "scale"})
"""Changes that may stop roles."""
NAMED = 5
"""Stopped roles that a question names at most."""


def plan(
    ctx: typer.Context,
    identity: OptionalId = "",
    workflow: WorkflowName = "",
    destroy: Annotated[bool, typer.Option("--destroy", help="Show what destroying it would stop.")] = False,
    keep: Annotated[
        bool, typer.Option("-k", "--keep-tasks", help="Move departing tasks to the pool.")
    ] = False,
    brief: Annotated[bool, typer.Option("--brief", help="Omit commands, ports and addresses.")] = False,
    given: Vars = [],  # noqa: B006  typer copies them
    scale: Scale = [],  # noqa: B006
    move: Move = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    include: Include = [],  # noqa: B006
    all_excluded: AllExcluded = False,
) -> None:
    """Show what create, modify or destroy would do.

    + start   ~ reconfigure   -/+ restart   - stop   x exclude   o include   <- from the pool   -> to the pool

    coconut env plan -w readout -e rate=10 --scale epn=4

    coconut env plan 2oD --scale epn=20 --exclude TPC

    coconut env plan 2oD --scale epn=10 --keep-tasks

    coconut env plan 2oD --destroy --keep-tasks

    `env create --plan TOKEN` and `env modify --plan TOKEN` apply exactly this plan. Control refuses a plan
    if hosts or the environment have changed since.
    """
    if bool(identity) == bool(workflow):
        raise typer.BadParameter("give either --workflow-template or an environment ID")
    if destroy and not identity:
        raise typer.BadParameter("--destroy needs an environment ID")
    where: dict[str, Any] = {"id": identity} if identity else {"workflow": workflow}
    if keep and not identity:
        raise typer.BadParameter("--keep-tasks needs an environment ID")
    where |= {"destroy": True} if destroy else {}
    where |= {"keep_tasks": True} if keep else {}
    overrides = bending(given, scale, move, exclude, include, allow_all_excluded=all_excluded)
    if destroy and overrides:
        raise typer.BadParameter(f"--destroy stops all tasks: remove {', '.join(sorted(overrides))}")
    found = ctx.obj.ask("env_plan", where | overrides)
    ctx.obj.show(found, lambda record: plans.plan(record, brief))


def modify(
    ctx: typer.Context,
    identity: OptionalId = "",
    token: Token = "",
    drain: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Time for departing tasks to finish their work.", min=0),
    ] = 0.0,
    keep: Annotated[
        bool, typer.Option("-k", "--keep-tasks", help="Move departing tasks to the pool, in STANDBY.")
    ] = False,
    given: Vars = [],  # noqa: B006
    scale: Scale = [],  # noqa: B006
    move: Move = [],  # noqa: B006
    exclude: Exclude = [],  # noqa: B006
    include: Include = [],  # noqa: B006
    reason: Reason = "",
    all_excluded: AllExcluded = False,
    yes: Yes = False,
) -> None:
    """Change an environment; other tasks continue.

    coconut env modify 2oD --exclude TPC -r 'high voltage trip'

    coconut env modify 2oD --include TPC

    coconut env modify 2oD --scale epn=20

    coconut env modify 2oD --scale epn=10 --drain 5 --keep-tasks

    coconut env modify 2oD -e rate=200 --move readout.sink=flp2

    coconut env modify --plan KWff3wNJq1o

    New roles take idle tasks of the pool if they fit: see pool list and env plan.

    A change that stops roles is confirmed first; --yes does it without a question.
    """
    overrides = bending(given, scale, move, exclude, include, reason, all_excluded)
    _check_modification(identity, token, overrides)
    arguments = overrides | ({"plan": token} if token else {}) | ({"id": identity} if identity else {})
    if not (yes or token) and MAY_STOP & overrides.keys():
        arguments = _confirmed(ctx.obj, arguments, keep, reason)
    arguments |= {"drain_s": drain} if drain else {}
    arguments |= {"keep_tasks": True} if keep else {}
    begin = time.monotonic()
    env = ctx.obj.ask("env_modify", arguments)
    conclude(ctx.obj, env, lambda found: environments.modified(found, time.monotonic() - begin))


def _confirmed(terminal: Terminal, wanted: dict[str, Any], keep: bool, reason: str) -> dict[str, Any]:
    """Return the arguments of a modification that the user agrees to, if it stops roles.

    They name the plan that the user has seen, so that exactly this plan is applied.

    Raises:
        typer.BadParameter: if roles would be stopped, and no user can be asked.
        typer.Exit: if the user says no.
    """
    plan = terminal.ask("env_plan", wanted | ({"keep_tasks": True} if keep else {}))
    stopped = plans.stopped_roles(plan)
    if not stopped:
        return wanted
    count = f"{len(stopped)} role{'' if len(stopped) == 1 else 's'}"
    names = ", ".join(stopped[:NAMED]) + (", ..." if len(stopped) > NAMED else "")
    confirm(terminal, f"stop {count} of environment {plan['environment']} ({names})", yes=False)
    return {"plan": plan["token"]} | ({"reason": reason} if reason else {})


def _check_modification(identity: str, token: str, overrides: dict[str, Any]) -> None:
    changes = set(overrides) - {"reason"}
    if token and changes:
        raise typer.BadParameter(f"--plan already contains every change: remove {', '.join(sorted(changes))}")
    if not token and not identity:
        raise typer.BadParameter("give an environment ID or --plan")
    if not token and not changes:
        raise typer.BadParameter("give a change: -e, --scale, --move, --exclude, --include or --plan")


def repeat(ctx: typer.Context, identity: Id) -> None:
    """Create an environment again, also an ended one.

    coconut env repeat 2oDvieFrVTi
    """
    terminal: Terminal = ctx.obj
    conclude(terminal, terminal.ask("env_repeat", {"id": identity}), environments.created)
