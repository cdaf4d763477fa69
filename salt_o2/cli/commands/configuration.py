"""coconut configuration: the configuration of components."""

import json
from pathlib import Path
from typing import Annotated

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.input_files import text_of
from salt_o2.cli.ui.parsing import variables

app = noun("Configuration of components.")
RunType = Annotated[str, typer.Option("-r", "--runtype", help="Run type; default: ANY.")]
Role = Annotated[str, typer.Option("-l", "--role", help="Role; default: any.")]
New = Annotated[bool, typer.Option("-n", "--new-component", help="Allow a new component.")]


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context, component: Annotated[str, typer.Argument()] = "") -> None:
    """List the entries of one component, or of all."""
    found = ctx.obj.ask("config_list", {"component": component})
    ctx.obj.show(found, lambda entries: "\n".join(entries) or "no configuration found")


@verb(app, "show", "s")
def show(
    ctx: typer.Context,
    component: Annotated[str, typer.Argument(metavar="COMPONENT|PATH")],
    entry: Annotated[str, typer.Argument()] = "",
    runtype: RunType = "ANY",
    role: Role = "any",
    simulate: Annotated[bool, typer.Option("-s", "--simulate", help="Expand variables, with -e.")] = False,
    given: Annotated[
        list[str] | None, typer.Option("-e", "--extra-vars", metavar="K=V", help="Variables for -s.")
    ] = None,
) -> None:
    """Show the payload of an entry (with fallback)."""
    path = f"{component}/{runtype}/{role}/{entry}" if entry else component
    arguments = {"path": path, "simulate": simulate, "vars": variables(given or ())}
    ctx.obj.show(ctx.obj.ask("config_show", arguments), lambda found: found["payload"])


@verb(app, "set")
def set_(
    ctx: typer.Context,
    path: Annotated[str, typer.Argument(help="COMPONENT/RUNTYPE/ROLE/ENTRY")],
    payload: Annotated[str, typer.Argument()],
    new: New = False,
) -> None:
    """Set the payload of an entry."""
    arguments = {"path": path, "payload": payload, "new_component": new}
    ctx.obj.show(ctx.obj.ask("config_set", arguments), _stored_text)


@verb(app, "import", "imp", "i")
def import_(
    ctx: typer.Context,
    component: Annotated[str, typer.Argument()],
    entry: Annotated[str, typer.Argument()],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    runtype: RunType = "ANY",
    role: Role = "any",
    new: New = False,
) -> None:
    """Set the payload of an entry from a file."""
    path = f"{component}/{runtype}/{role}/{entry}"
    arguments = {"path": path, "payload": text_of(file), "new_component": new}
    ctx.obj.show(ctx.obj.ask("config_import", arguments), _stored_text)


def _stored_text(found: dict[str, str]) -> str:
    return f"{found['path']} is stored in {found['backend']}" if "path" in found else json.dumps(found)
