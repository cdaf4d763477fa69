"""coconut device: check a device."""

import shlex
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.command_aliases import noun, verb

app = noun("Devices.")


@verb(app, "check")
def check(
    ctx: typer.Context,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="Command that starts the device.")
    ],
    channels: Annotated[
        list[str],
        typer.Option(metavar="NAME=TYPE", help="Channels of the device; default: ask the device."),
    ] = [],  # noqa: B006  typer copies it
) -> None:
    """Run the conformance tests on a device.

    coconut device check -- o2-device counter:Counter

    coconut device check --channels data=push,control=sub -- ./my-device
    """
    from salt_o2.cli.ui.parsing import channels as channels_of
    from salt_o2.device.conformance import check as findings_of

    findings = []
    for finding in findings_of(list(command), channels_of(channels)):
        document = {"name": finding.name, "ok": finding.ok, "detail": finding.detail}
        findings.append(document)
        ctx.obj.say(render_finding(document))
    failed = sum(not finding["ok"] for finding in findings)
    summary = f"{len(findings) - failed} of {len(findings)} checks passed by {shlex.join(command)}"
    ctx.obj.show({"command": command, "ok": not failed, "findings": findings}, lambda _document: summary)
    if failed:
        raise typer.Exit(1)


def render_finding(finding: dict[str, Any]) -> str:
    """Return one finding as a line of text."""
    detail = f": {finding['detail']}" if finding["detail"] else ""
    return f"{'ok    ' if finding['ok'] else 'FAILED'} {finding['name']}{detail}"
