"""coconut configuration: the configuration of components."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.input_files import text_of
from salt_o2.cli.ui.parsing import variables
from salt_o2.cli.ui.watch import Watch, show_list

app = noun("Configuration of components.")
RunType = Annotated[str, typer.Option("-r", "--runtype", help="Run type; default: ANY.")]
Role = Annotated[str, typer.Option("-l", "--role", help="Role; default: any.")]
New = Annotated[bool, typer.Option("-n", "--new-component", help="Allow a new component.")]


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context, component: Annotated[str, typer.Argument()] = "", watch: Watch = False) -> None:
    """List the entries of one component, or of all."""
    show_list(
        ctx.obj,
        "config_list",
        {"component": component},
        lambda entries: "\n".join(entries) or "no configuration found",
        watch,
    )


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


@verb(app, "check", "c")
def check(
    ctx: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="The site's o2 tree.")
    ],
    component: Annotated[str, typer.Argument(help="Default: all components.")] = "",
    given: Annotated[
        list[str] | None, typer.Option("-e", "--extra-vars", metavar="K=V", help="Variables of the payloads.")
    ] = None,
) -> None:
    """Check payloads; list faults and values that AliECS escapes.

    coconut configuration check /srv/config -e detectors='["TPC"]'
    """
    from salt_o2.site.configuration import Configuration
    from salt_o2.site.configuration.payload_check import check_payloads
    from salt_o2.site.configuration.tree_backends import Folder

    configuration = Configuration(Folder(folder.absolute()))
    verdicts = [asdict(each) for each in check_payloads(configuration, component, variables(given or ()))]
    ctx.obj.show(verdicts, _checked_text, ("problem", "here", "in_aliecs"))
    if any(each["problem"] for each in verdicts):
        raise typer.Exit(1)


def _checked_text(verdicts: list[dict[str, Any]]) -> str:
    lines = []
    for each in verdicts:
        if each["problem"]:
            lines.append(f"{each['path']}: {each['problem']}")
        elif each["line"]:
            lines.append(f"{each['path']}: AliECS escapes line {each['line']}: {each['in_aliecs'].strip()}")
            lines.append(f"    here: {each['here'].strip()}")
    wrong = sum(bool(each["problem"]) for each in verdicts)
    escaped = sum(bool(each["line"]) for each in verdicts)
    return "\n".join(
        [*lines, f"{len(verdicts)} payloads: {wrong} with problems, {escaped} escaped in AliECS"]
    )


def _stored_text(found: dict[str, str]) -> str:
    return f"{found['path']} is stored in {found['backend']}" if "path" in found else json.dumps(found)
