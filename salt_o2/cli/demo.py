"""coconut demo: everything once, with the commands that do the same, and nothing left at the end."""

import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.log_follow import task_log
from salt_o2.cli.ui.terminal import Terminal
from salt_o2.core.errors import O2Error, TaskError
from salt_o2.presentation import environments

_LINE = re.compile(r"rate: (?P<rate>[0-9.]+) msg/s total: (?P<total>[0-9]+) missing: (?P<missing>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages at a sink: how many a second, how many so far, how many of the numbered ones never came."""

    per_second: float
    total: int
    missing: int


def rate_of(lines: Sequence[str]) -> Rate | None:
    """Return what the last line that speaks of a rate says; ``None`` if none does."""
    for line in reversed(lines):
        if found := _LINE.search(line):
            return Rate(float(found["rate"]), int(found["total"]), int(found["missing"]))
    return None


app = typer.Typer(add_completion=False)

WORKFLOW = "fairmq-ex-1-n-1"
FIRST_RATE_S = 20.0
"""How long the first messages may take to be reported by the sink."""


@app.command()
def demo(
    ctx: typer.Context,
    minions: Annotated[int, typer.Option(help="Number of minions.", min=1)] = 3,
    processors: Annotated[
        int, typer.Option(help="Number of processors between sampler and sink.", min=1)
    ] = 4,
    seconds: Annotated[float, typer.Option(help="Seconds of data-taking.", min=0)] = 5,
    directory: Annotated[Path, typer.Option("--dir", "-d", help="Folder of the cluster.")] = Path(".cluster"),
) -> None:
    """Start a cluster, take data for some seconds, remove the cluster."""
    with _terminable(), _cluster(ctx.obj, directory, minions) as terminal:
        rate = _tour(terminal, processors, seconds)
    ctx.obj.say(f"\n{rate.total} messages reached the sink, {rate.missing} are missing.")
    ctx.obj.show({"total": rate.total, "missing": rate.missing, "per_second": rate.per_second}, lambda _: "")
    if not rate.total or rate.missing:
        raise typer.Exit(1)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that both clean up."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _cluster(terminal: Terminal, directory: Path, minions: int) -> Iterator[Terminal]:
    """Have a cluster up for the block; one that was up before stays up."""
    from salt_o2.cluster import down, is_up, up

    stays = is_up(directory)
    _step(terminal, f"coconut cluster up --minions {minions}")
    try:
        status = up(directory, minions, say=terminal.note)
        yield replace(terminal, control=Path(status["control_socket"]))
    finally:
        if not stays:
            with _undisturbed():
                _step(terminal, "coconut cluster down")
                down(directory, say=terminal.note)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore further Ctrl-C while cleaning up, which would only leave things behind."""
    before = [signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, action in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, action)


def _tour(terminal: Terminal, processors: int, seconds: float) -> Rate:
    """Bring an environment up, watch it take data, and end it; return what the sink last said."""
    identity = _create(terminal, processors)
    with _no_ruin(terminal, identity):
        _show(terminal, identity)
        _control(terminal, identity, "START_ACTIVITY")
        _show(terminal, identity)
        rate = _watch(terminal, identity, seconds)
        _control(terminal, identity, "STOP_ACTIVITY")
        _control(terminal, identity, "RESET")
        _destroy(terminal, identity)
    return rate


@contextmanager
def _no_ruin(terminal: Terminal, identity: str) -> Iterator[None]:
    """Destroy the environment if the block fails or is interrupted."""
    try:
        yield
    except BaseException:
        with _undisturbed(), suppress(O2Error):
            _destroy(terminal, identity, "--force")
        raise


def _create(terminal: Terminal, processors: int) -> str:
    _step(terminal, f"coconut env create -w {WORKFLOW} -e processors={processors}")
    env = terminal.ask("env_create", {"workflow": WORKFLOW, "vars": {"processors": str(processors)}})
    _must_not_fail(env)
    terminal.say(environments.created(env))
    return str(env["id"])


def _destroy(terminal: Terminal, identity: str, *flags: str) -> None:
    _step(terminal, " ".join(("coconut env destroy", identity, *flags)))
    force = "--force" in flags
    terminal.ask("env_destroy", {"id": identity, "allow_in_running_state": force, "force": force})


def _show(terminal: Terminal, identity: str) -> None:
    _step(terminal, f"coconut env show {identity} -tw")
    terminal.say(
        environments.environment(terminal.ask("env_show", {"id": identity}), tasks=True, workflow=True)
    )


def _control(terminal: Terminal, identity: str, event: str) -> None:
    _step(terminal, f"coconut env control {identity} -e {event}")
    begin = time.monotonic()
    env = terminal.ask("env_control", {"id": identity, "event": event})
    _must_not_fail(env)
    terminal.say(environments.moved(env, time.monotonic() - begin))


def _must_not_fail(env: dict[str, Any]) -> None:
    if env["state"] == "ERROR":
        raise TaskError(
            f"environment {env['id']} is in ERROR: {env.get('error') or 'control gives no reason'}"
        )


def _watch(terminal: Terminal, identity: str, seconds: float) -> Rate:
    """Show for some seconds what arrives at the sink; return the last that was heard."""
    tasks = terminal.ask("env_show", {"id": identity})["tasks"]
    sink = next(task["id"] for task in tasks if task["path"].rpartition(".")[2] == "sink")
    _step(terminal, f"coconut task log {sink} -n 1")
    rate, end = None, time.monotonic() + FIRST_RATE_S
    while time.monotonic() < end:
        latest = rate_of(task_log(terminal, {"task": sink}, lines=20)["stdout"])
        if latest and not rate:
            end = time.monotonic() + seconds
        if latest and latest != rate:
            terminal.say(f"at the sink: {latest.per_second:10.1f} messages/s, {latest.total} in total")
        rate = latest or rate
        time.sleep(0.2)
    if rate is None:
        raise TaskError(
            f"the sink (task {sink}) has reported no message within {FIRST_RATE_S:g} s of RUNNING"
        )
    return rate


def _step(terminal: Terminal, command: str) -> None:
    terminal.say(f"\n$ {command}")
