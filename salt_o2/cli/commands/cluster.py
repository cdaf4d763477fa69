"""coconut cluster: a private Salt master and minions on this machine."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.terminal import Terminal

app = noun("A private Salt master and minions on this machine, for trials.")

Dir = Annotated[Path, typer.Option("--dir", "-d", help="Folder of the cluster.")]
HERE = Path(".cluster")


@verb(app, "up")
def up(
    ctx: typer.Context,
    minions: Annotated[
        int | None, typer.Option(help="Number of minions: flp1, flp2, ... (new: 3).", min=1)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Worker processes of the master (new: 2).", min=1)
    ] = None,
    heartbeat: Annotated[
        float | None, typer.Option(help="Seconds between heartbeats (new: 1).", min=0.1)
    ] = None,
    namespaces: Annotated[
        bool, typer.Option("--namespaces", help="Give each host its own network (root only).")
    ] = False,
    api: Annotated[bool, typer.Option(help="Serve HTTP on loopback (new: yes).")] = True,
    directory: Dir = HERE,
) -> None:
    """Start a master and minions, or what is missing of an existing cluster."""
    from salt_o2.cluster import up

    terminal: Terminal = ctx.obj
    started = up(
        directory,
        minions,
        workers,
        say=terminal.note,
        heartbeat_s=heartbeat,
        namespaces=namespaces,
        api=api,
    )
    terminal.show(started, render_status)


@verb(app, "kill")
def kill(
    ctx: typer.Context,
    daemons: Annotated[list[str] | None, typer.Argument(help="master, or minion IDs; default: all.")] = None,
    directory: Dir = HERE,
) -> None:
    """Kill daemons with SIGKILL; tasks and runs continue.

    coconut cluster up brings the same cluster back.
    """
    from salt_o2.cluster import kill

    terminal: Terminal = ctx.obj
    terminal.show(kill(directory, daemons or (), say=terminal.note), render_killed)


@verb(app, "status")
def status(ctx: typer.Context, directory: Dir = HERE) -> None:
    """Show daemons, minions and sockets."""
    from salt_o2.cluster import status

    ctx.obj.show(status(directory), render_status)


@verb(app, "down")
def down(
    ctx: typer.Context,
    directory: Dir = HERE,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder with the logs.")] = False,
) -> None:
    """Destroy all environments, stop the cluster and remove its folder."""
    from salt_o2.cluster import down

    terminal: Terminal = ctx.obj
    terminal.show(down(directory, keep, say=terminal.note), render_down)


@verb(app, "env")
def env(ctx: typer.Context, directory: Dir = HERE) -> None:
    """Print variables for Salt's commands: eval $(coconut cluster env)."""
    from salt_o2.cluster import status

    exports = {"SALT_CONFIG_DIR": status(directory)["config_dir"]}
    ctx.obj.show(exports, render_exports)


@verb(app, "logs")
def logs(
    ctx: typer.Context,
    daemon: Annotated[str, typer.Argument(help="master, or a minion ID.")] = "master",
    lines: Annotated[int, typer.Option("--lines", "-n", help="Number of lines.", min=1)] = 40,
    directory: Dir = HERE,
) -> None:
    """Show the last lines of a daemon's log."""
    from salt_o2.cluster.lifecycle.readiness import tail
    from salt_o2.cluster.paths import layout

    document = {"daemon": daemon, "lines": tail(layout(directory), daemon, lines).splitlines()}
    ctx.obj.show(document, lambda log: "\n".join(log["lines"]))


def render_status(status: dict[str, Any]) -> str:
    """Return a cluster's status as text."""
    daemons = [f"{name} (pid {pid})" for name, pid in status["pids"].items()]
    lines = [
        f"directory:       {status['directory']}",
        f"config_dir:      {status['config_dir']}",
        f"control socket:  {status['control_socket']}",
        f"http:            {status['http']}" if status.get("http") else "",
        f"sign in once:    {status['sign_in']}" if status.get("sign_in") else "",
        f"running:         {', '.join(daemons) or 'nothing'}",
        f"dead:            {', '.join(status['dead'])}" if status["dead"] else "",
        f"known hosts:     {', '.join(status['known']) or 'none'}",
        _namespaces(status.get("namespaces", [])),
        f"ready:           {'yes' if status['ready'] else 'no'}",
    ]
    return "\n".join(line for line in lines if line)


def _namespaces(names: list[str]) -> str:
    if not names:
        return ""
    masters = next((name for name in names if name.endswith("-master")), names[0])
    enter = f"nsenter --net=/run/netns/{masters} salt flp1 test.ping"
    return f"namespaces:      {', '.join(names)}\n{'':17}(run Salt's commands there: {enter})"


def render_down(result: dict[str, Any]) -> str:
    """Return the result of `cluster down` as text."""
    if not result["was_up"]:
        return f"no cluster in {result['directory']}"
    leftovers = result["leftovers"]
    return f"stopped {len(leftovers)} processes that had been left" if leftovers else "nothing of it is left"


def render_killed(result: dict[str, Any]) -> str:
    """Return which daemons were killed, and how to start them again."""
    start_again = f"coconut cluster up --dir {result['directory']}"
    return f"killed {', '.join(result['killed'])}; to start them again: {start_again}"


def render_exports(exports: dict[str, str]) -> str:
    """Return shell commands that set these variables."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in exports.items())
