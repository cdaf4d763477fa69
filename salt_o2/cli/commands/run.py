"""coconut run: data-taking runs."""

from typing import Annotated, Any

import typer

from salt_o2.cli.environment.completion import run_numbers
from salt_o2.cli.environment.override_options import Reason
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.confirmation import Yes, check_all
from salt_o2.cli.ui.parsing import moment
from salt_o2.cli.ui.watch import Watch, show_list
from salt_o2.presentation import environments, runs

app = noun("Runs: list, show, stop.")

CAUSES = {
    "stop": "requested",
    "time": "time limit",
    "data": "end of data",
    "policy": "recovery policy",
    "error": "ERROR",
    "never": "never started",
}
"""Causes of the end of a run, by the names of the option ``--end``."""


@verb(app, "list", "ls", "l")
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("-n", "--limit", help="Number of runs.", min=1, max=100_000)] = 100,
    workflow: Annotated[
        str, typer.Option("-w", "--workflow", metavar="GLOB", help="Only runs of these workflows.")
    ] = "",
    state: Annotated[
        str, typer.Option("-s", "--state", help="RUNNING, or the state that the end led to.")
    ] = "",
    end: Annotated[
        str, typer.Option("--end", metavar="CAUSE", help="stop, time, data, policy, error or never.")
    ] = "",
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Runs that go on or ended after it: 11:21, or a date.")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="TIME", help="Runs that started before it: 11:21, or a date.")
    ] = "",
    watch: Watch = False,
) -> None:
    """List the last runs with their ends, the newest first.

    coconut run list -n 20

    coconut run list --since 08:00 --until 16:00 --end error

    coconut run list --state RUNNING --json
    """
    wanted: dict[str, Any] = {
        "limit": limit if limit != 100 else 0,
        "workflow": workflow,
        "state": state,
        "end": _cause(end),
        "since": moment("--since", since),
        "until": moment("--until", until),
    }
    given = {name: value for name, value in wanted.items() if value}
    show_list(ctx.obj, "run_list", given, runs.run_table, watch)


def _cause(given: str) -> str:
    """Return the cause of an end that a user has given by its name or its beginning.

    Raises:
        typer.BadParameter: if there is no such cause.
    """
    if not given:
        return ""
    found = [cause for name, cause in CAUSES.items() if name.startswith(given.lower()) or cause == given]
    if len(found) != 1:
        raise typer.BadParameter(f"--end {given}: expected one of {', '.join(CAUSES)}")
    return found[0]


@verb(app, "show", "get", "s", "g")
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Run number.", autocompletion=run_numbers)],
) -> None:
    """Show one run: its start, its end, and the tasks that were missing.

    coconut run show 42
    """
    ctx.obj.show(ctx.obj.ask("run_show", {"number": number}), runs.run, ("end_reason",))


@verb(app, "stop")
def stop(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[NUMBER...]", help="Run numbers.", autocompletion=run_numbers),
    ] = None,
    every: Annotated[bool, typer.Option("-a", "--all", help="Stop all runs.")] = False,
    reason: Reason = "requested by a user",
    yes: Yes = False,
) -> int:
    """Stop runs.

    coconut run stop 42 -r 'noisy detector'

    coconut run stop --all --yes -r 'beam dump'
    """
    every = check_all(ctx.obj, every, bool(numbers), "stop all runs", "run numbers", yes)
    wanted = {"all": True} if every else {"numbers": numbers}
    found = ctx.obj.ask("run_stop", wanted | {"reason": reason})
    ctx.obj.show(found, environments.stopped)
    return int(not all(env["stopped"] for env in found))
