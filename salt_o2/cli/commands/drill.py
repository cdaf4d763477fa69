"""coconut drill: let parts of a private cluster fail while it takes data, and see that nothing stops."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.terminal import Terminal

app = typer.Typer(add_completion=False)


@app.command()
def drill(
    ctx: typer.Context,
    seed: Annotated[
        int, typer.Option(help="What faults are drawn from; the same again, the same drill.")
    ] = 1,
    minutes: Annotated[float, typer.Option(help="How long.", min=0)] = 1.0,
    rounds: Annotated[int | None, typer.Option(help="How many rounds, instead of how long.", min=1)] = None,
    faults: Annotated[int | None, typer.Option(help="How many faults, instead of how long.", min=1)] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-i", help="Whose tasks may be hit, if there are several.")
    ] = "",
    directory: Annotated[Path, typer.Option("--dir", "-d", help="The folder of the cluster.")] = Path(
        ".cluster"
    ),
) -> None:
    """Let parts of a private cluster fail while it takes data; check that nothing else changes.

    Tasks, plain programs, agents, minions, control and master are killed, stopped and slowed down. Records
    of tasks are damaged, pids and ports of tasks are given to other processes, minions are cloned, and their
    keys are refused for a while. Where hosts have networks of their own (cluster up --namespaces), hosts are
    rebooted, and links fail.

    After each round the run must be the same, every process that no fault has hit must be the same, killed
    tasks must run again, no message may be lost where no task was killed, no process may be left over, and no
    process that is not ours may be harmed.

    Examples:

      coconut drill --seed 3 --minutes 2

      coconut drill --faults 500
    """
    from salt_o2.cluster.faults.drill import drill

    terminal: Terminal = ctx.obj
    done = drill(directory, environment, seed, minutes, rounds, most_faults=faults, say=terminal.note)
    terminal.show(done.as_dict(), render)
    if done.broken:
        raise typer.Exit(1)


def render(done: dict[str, Any]) -> str:
    """Return what came of a drill, for a person."""
    from salt_o2.cluster.faults.outcome import as_text, summary

    return as_text(summary([done]))
