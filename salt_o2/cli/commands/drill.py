"""coconut drill: inject faults into a private cluster that takes data."""

from pathlib import Path
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.terminal import Terminal

app = typer.Typer(add_completion=False)


@app.command()
def drill(
    ctx: typer.Context,
    seed: Annotated[int, typer.Option(help="Seed; the same seed draws the same faults.")] = 1,
    minutes: Annotated[float, typer.Option(help="How long.", min=0)] = 1.0,
    rounds: Annotated[int | None, typer.Option(help="Number of rounds, instead of minutes.", min=1)] = None,
    faults: Annotated[int | None, typer.Option(help="Number of faults, instead of minutes.", min=1)] = None,
    environment: Annotated[
        str, typer.Option("--environment", "-i", help="Environment to hit, if there are several.")
    ] = "",
    directory: Annotated[Path, typer.Option("--dir", "-d", help="Folder of the cluster.")] = Path(".cluster"),
) -> None:
    """Inject faults into a private cluster that takes data.

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
    """Return the result of a drill as text."""
    from salt_o2.cluster.faults.outcome import as_text, summary

    return as_text(summary([done]))
