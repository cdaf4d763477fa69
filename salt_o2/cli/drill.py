"""coconut drill: let parts of a private cluster fail while it takes data, and see that nothing stops."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salt_o2.cli.terminal import Terminal

app = typer.Typer(add_completion=False)


@app.command()
def drill(
    ctx: typer.Context,
    seed: Annotated[
        int, typer.Option(help="What faults are drawn from; the same again, the same drill.")
    ] = 1,
    minutes: Annotated[float, typer.Option(help="How long.", min=0)] = 1.0,
    rounds: Annotated[int | None, typer.Option(help="How many rounds, instead of how long.", min=1)] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-i", help="Whose tasks may be hit, if there are several.")
    ] = "",
    directory: Annotated[Path, typer.Option("--dir", "-d", help="The folder of the cluster.")] = Path(
        ".cluster"
    ),
) -> None:
    """Kill, stop and slow down tasks, agents, minions, control and master; check that nothing else changes.

    Where hosts have networks of their own (cluster up --namespaces) links fail too, in all ways.

    After each round the run must be the same, every process that was not killed must be the same, who was
    killed must be back, no message may be lost where nobody was killed, and no process be left over.
    """
    from salt_o2.cluster.drilling import drill

    terminal: Terminal = ctx.obj
    done = drill(directory, environment, seed, minutes, rounds, say=terminal.note)
    terminal.show(done.as_dict(), render)
    if done.broken:
        raise typer.Exit(1)


def render(done: dict[str, Any]) -> str:
    """Return what came of a drill, for a person."""
    count = len(done["rounds"])
    if not done["broken"]:
        slowest = max((each["seconds"] for each in done["rounds"]), default=0.0)
        return f"{count} rounds survived; at most {slowest:g} s until all was well again"
    laws = "\n".join(f"  {law}" for law in done["broken"])
    return f"round {count} broke a law:\n{laws}\nthe same again: {done['replay']}"
