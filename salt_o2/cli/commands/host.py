"""coconut host: the hosts whose agents control knows."""

from typing import Annotated

import typer

from salt_o2.cli.environment.completion import host_names
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.watch import Watch, show_list
from salt_o2.presentation import staleness
from salt_o2.presentation.hosts import host as one_host
from salt_o2.presentation.hosts import host_table
from salt_o2.presentation.hosts import maintenance as hosts_as_text

app = noun("Hosts.")

Names = Annotated[list[str], typer.Argument(metavar="HOST...", help="Host names.", autocompletion=host_names)]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, for other users.")]
AfterRuns = Annotated[bool, typer.Option("--after-runs", help="Move no task of a run that lasts.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait until no task is left.")]
MOVES_S = 600.0
"""Seconds that control may take for the moves that are possible at once, in addition to ``--wait``."""
Sure = Annotated[bool, typer.Option("--sure", help="The hosts are known to be switched off.")]


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context, watch: Watch = False) -> None:
    """List hosts with their resources and last reports."""
    show_list(ctx.obj, "host_list", {}, host_table, watch)


@verb(app, "show", "s")
def show(
    ctx: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="Name of the host.", autocompletion=host_names)],
) -> None:
    """Show all that control knows of a host, and its problems.

    coconut host show flp1
    """
    from salt_o2.core.errors import UnknownNameError
    from salt_o2.core.similar_names import did_you_mean

    known = {row["id"]: row for row in ctx.obj.ask("host_list")}
    if host not in known:
        suggestion = did_you_mean(host, known)
        names = ", ".join(known) or "none"
        raise UnknownNameError(f"control knows no host {host!r}{suggestion}; known hosts: {names}")
    ctx.obj.show(known[host], one_host)


@verb(app, "cordon")
def cordon(ctx: typer.Context, hosts: Names, reason: Reason = "") -> None:
    """Place no new task on hosts; their tasks stay.

    coconut host cordon flp1 --reason "replace a fan"
    """
    ctx.obj.show(ctx.obj.ask("host_cordon", {"hosts": hosts, "reason": reason}), hosts_as_text)


@verb(app, "uncordon")
def uncordon(ctx: typer.Context, hosts: Names) -> None:
    """Permit new tasks on hosts again, and end their drain.

    coconut host uncordon flp1
    """
    ctx.obj.show(ctx.obj.ask("host_uncordon", {"hosts": hosts}), hosts_as_text)


@verb(app, "drain")
def drain(
    ctx: typer.Context,
    hosts: Names,
    reason: Reason = "",
    after_runs: AfterRuns = False,
    wait: Wait = 0.0,
) -> int:
    """Cordon hosts, and move their tasks to other hosts.

    Tasks that may not leave during a run leave after it. The drain continues when this command has ended.
    With --wait, the exit code is 1 if tasks are left.

    coconut host drain flp1 --reason "replace a fan" --wait 3600
    """
    wanted = {"hosts": hosts, "reason": reason, "after_runs": after_runs, "wait_s": wait}
    found = ctx.obj.ask("host_drain", wanted, timeout_s=wait + MOVES_S)
    ctx.obj.show(found, hosts_as_text)
    return int(bool(wait) and not all(host["cordon"] and host["cordon"]["drained"] for host in found))


@verb(app, "lost")
def lost(ctx: typer.Context, hosts: Names, sure: Sure = False) -> int:
    """Report hosts as lost; control checks each host at once.

    coconut host lost flp1 --sure
    """
    found = ctx.obj.ask("host_lost", {"hosts": hosts, "sure": sure})
    ctx.obj.show(found, staleness.outcomes)
    return int(sure and any(host["status"] != "LOST" for host in found))


@verb(app, "forget")
def forget(ctx: typer.Context, hosts: Names) -> None:
    """Remove hosts that are neither in use nor connected.

    coconut host forget flp1
    """
    ctx.obj.show(ctx.obj.ask("host_forget", {"hosts": hosts}), staleness.outcomes)


@verb(app, "returned")
def returned(ctx: typer.Context, hosts: Names) -> None:
    """Report hosts as back; control asks their agents at once."""
    ctx.obj.show(ctx.obj.ask("host_returned", {"hosts": hosts}), staleness.outcomes)
