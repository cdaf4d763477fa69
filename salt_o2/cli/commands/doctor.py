"""coconut doctor: check this machine."""

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
        typer.Option("--config-dir", "-c", help="Salt's configuration; default: SALT_CONFIG_DIR, /etc/salt."),
    ] = None,
) -> None:
    """Check this host or master, and advise on each problem.

    The exit code is 1 if a check fails; warnings alone give 0.
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
    """Return the report as text: a line for each check, with advice below it."""
    lines = [f"{report['machine']}, Salt in {report['config_dir']}"]
    for verdict in report["verdicts"]:
        lines.append(f"{MARKS[verdict['level']]} {verdict['check']}: {verdict['found']}")
        if verdict["advice"]:
            lines.append(f"       -> {verdict['advice']}")
    return "\n".join(lines)
