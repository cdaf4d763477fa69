"""coconut environment history, replay and diff: what happened, from the journal."""

import time
from typing import Annotated, Any

import typer

from salt_o2.cli.environment.id_argument import Id
from salt_o2.cli.ui.parsing import moment
from salt_o2.cli.ui.terminal import Terminal
from salt_o2.presentation import environments
from salt_o2.presentation import history as past_text

Until = Annotated[
    str, typer.Option(metavar="TIME", help="Up to this time: 14:00, 2026-11-22T14:00:00, or Unix time.")
]
FOLLOW_S = 0.5
"""Seconds between two questions for more."""


def history(
    ctx: typer.Context,
    identity: Id,
    until: Until = "",
    limit: Annotated[int, typer.Option("-n", "--limit", help="Number of lines.", min=1)] = 1000,
    every: Annotated[
        bool, typer.Option("-a", "--all", help="Also reports and answers without an effect.")
    ] = False,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new lines until Ctrl-C.")] = False,
) -> None:
    """Show the events of an environment with their causes.

    coconut env history 2oD

    coconut env history 2oD --until 2026-11-22T14:00:00 --all

    coconut env history 2oD --follow
    """
    terminal: Terminal = ctx.obj
    if follow and (terminal.json or until):
        raise typer.BadParameter("--follow cannot be used with --json or --until")
    if follow:
        return _follow(terminal, identity, limit, every)
    wanted = {"id": identity, "until": moment("--until", until), "limit": limit}
    wanted |= {"effects_only": not (every or terminal.json)}
    lines = terminal.ask("env_history", wanted)
    return terminal.show(lines, lambda found: past_text.history(found, every))


def _follow(terminal: Terminal, identity: str, limit: int, every: bool) -> None:
    lines = terminal.ask("env_history", {"id": identity, "limit": 1_000_000})
    known, shown = len(lines), past_text.shown_lines(lines, every)[-limit:]
    while True:
        if shown:
            terminal.show(shown, lambda found: past_text.history(found, every))
        if _has_ended(lines):
            return
        time.sleep(FOLLOW_S)
        shown = lines = terminal.ask("env_history", {"id": identity, "after": known, "limit": 1_000_000})
        known += len(lines)


def _has_ended(lines: list[dict[str, Any]]) -> bool:
    return any(line["kind"] == "ReleaseResources" for line in lines)


def replay(
    ctx: typer.Context,
    identity: Id,
    until: Until = "",
    tasks: Annotated[bool, typer.Option("-t", "--tasks", help="Show the table of tasks.")] = False,
    workflow: Annotated[bool, typer.Option("-w", "--workflow", help="Show the tree of roles.")] = False,
) -> None:
    """Show an environment at a past time, from its journal.

    coconut env replay 2oD --until 2026-11-22T14:00:00 -tw
    """
    env = ctx.obj.ask("env_replay", {"id": identity, "until": moment("--until", until)})
    ctx.obj.show(env, lambda found: environments.environment(found, tasks, workflow))


def diff(
    ctx: typer.Context,
    left: Annotated[str, typer.Argument(metavar="LEFT", help="Environment ID, or run number.")],
    right: Annotated[str, typer.Argument(metavar="RIGHT", help="Environment ID, or run number.")],
) -> None:
    """Show the differences of two environments or runs.

    coconut env diff 2oDvieFrVTi 2oDvkPq7xYz

    coconut env diff 41 42
    """
    ctx.obj.show(ctx.obj.ask("env_diff", {"left": left, "right": right}), past_text.difference)
