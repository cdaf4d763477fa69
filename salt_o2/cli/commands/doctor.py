"""coconut doctor: examine this machine, and say what to do."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False)
MARKS = {"ok": "[ ok ]", "warn": "[WARN]", "fail": "[FAIL]"}


@app.command()
def doctor(
    ctx: typer.Context,
    config_dir: Annotated[
        Path | None,
        typer.Option("--config-dir", "-c", help="Salt's configuration; else SALT_CONFIG_DIR, or /etc/salt."),
    ] = None,
) -> None:
    """Examine this host or master: Salt, engines, sockets, ports, control groups, limits, time.

    Exit code 1 if something does not work; warnings alone give 0.
    """
    from dataclasses import asdict

    from salt_o2.doctor import checks, collect
    from salt_o2.doctor import report as findings

    folder = config_dir or Path(os.environ.get("SALT_CONFIG_DIR", "/etc/salt"))
    verdicts = checks.examine(collect.gather(folder))
    level = checks.worst(verdicts)
    report = {
        "machine": collect.system(),
        "config_dir": str(folder),
        "level": level,
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    ctx.obj.show(report, render)
    if level is findings.Level.FAIL:
        raise typer.Exit(1)


def render(report: dict[str, Any]) -> str:
    """Return the report for a person: a line for each check, and below it what to do."""
    lines = [f"{report['machine']}, Salt in {report['config_dir']}"]
    for verdict in report["verdicts"]:
        lines.append(f"{MARKS[verdict['level']]} {verdict['check']}: {verdict['found']}")
        if verdict["advice"]:
            lines.append(f"       -> {verdict['advice']}")
    return "\n".join(lines)
