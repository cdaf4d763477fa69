"""coconut host: the hosts whose agents control knows."""

from typing import Annotated

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.presentation import hosts, staleness

app = noun("Hosts.")

Names = Annotated[list[str], typer.Argument(metavar="HOST...", help="Host names.")]
Sure = Annotated[bool, typer.Option("--sure", help="The hosts are known to be switched off.")]


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context) -> None:
    """List hosts with their resources and last reports."""
    ctx.obj.show(ctx.obj.ask("host_list"), hosts.host_table)


@verb(app, "show", "s")
def show(
    ctx: typer.Context, host: Annotated[str, typer.Argument(metavar="HOST", help="Name of the host.")]
) -> None:
    """Show all that control knows of a host, and its problems.

    coconut host show flp1
    """
    from salt_o2.core.errors import UnknownNameError

    known = {row["id"]: row for row in ctx.obj.ask("host_list")}
    if host not in known:
        raise UnknownNameError(f"control knows no host {host!r}; known hosts: {', '.join(known) or 'none'}")
    ctx.obj.show(known[host], hosts.host)


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
