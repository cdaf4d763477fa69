"""coconut events: what control has announced, for the whole site."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.watch import ChangeFeed
from salt_o2.presentation import history

app = typer.Typer(add_completion=False)
WAIT_S = 20.0
"""Seconds that one request waits for an event."""


@app.command()
def events(
    ctx: typer.Context,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Print new events until Ctrl-C.")] = False,
    limit: Annotated[int, typer.Option("-n", "--limit", help="Number of last events.", min=0)] = 40,
    environment: Annotated[
        str, typer.Option("-i", "--env", metavar="ID", help="Only events of this environment.")
    ] = "",
) -> None:
    """Show the last events of all environments, hosts and the pool.

    coconut events -n 100

    coconut events -f

    Control keeps the last 10,000 events since its start; the history of an environment has all:
    see coconut env history.
    """
    if follow and ctx.obj.json:
        raise typer.BadParameter("--follow cannot be used with --json")
    feed = ChangeFeed(ctx.obj)
    last = _of(feed.wait(0), environment)
    last = last[max(0, len(last) - limit) :]
    if not follow:
        ctx.obj.show(last, history.events)
        return
    day = ""
    while True:
        if last:
            text, day = history.event_lines(_clean(last), day)
            ctx.obj.say(text)
        changes = feed.wait(WAIT_S)
        if changes["gap"]:
            ctx.obj.note("some events are missing: control was restarted, or there were too many")
        last = _of(changes, environment)


def _of(changes: dict[str, Any], environment: str) -> list[dict[str, Any]]:
    """Return the events of one environment, or of the whole site."""
    news: Sequence[dict[str, Any]] = changes["news"]
    return [each for each in news if not environment or _concerns(each, environment)]


def _concerns(event: dict[str, Any], environment: str) -> bool:
    ids = [event.get("environment", ""), *(event.get("environments") or ())]
    return any(str(id).startswith(environment) for id in ids)


def _clean(news: list[dict[str, Any]]) -> Any:
    from salt_o2.core.terminal_text import terminal_document

    return terminal_document(news)
