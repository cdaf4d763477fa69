"""coconut workflow: the workflow templates that control can deploy, and what authors of new ones need.

``list`` and ``show`` ask control. ``check``, ``expand``, ``graph`` and ``schema`` work on files, without any
control: in an editor, in a hook of a repository, in CI.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from salt_o2.cli.environment.completion import workflow_names
from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.parsing import variables
from salt_o2.cli.ui.site_file import SiteFile, site_variables
from salt_o2.cli.ui.watch import Watch, show_list
from salt_o2.presentation import workflows

if TYPE_CHECKING:
    # Commands that expand no workflow start without the package.
    from salt_o2.workflow import Workflow

app = noun("Workflow templates.")
File = Annotated[Path, typer.Argument(metavar="FILE", help="workflows/<name>.yaml")]
Given = Annotated[
    list[str] | None,
    typer.Option("-e", "--extra-vars", metavar="K=V", help="Variables, as in environment create."),
]


@verb(app, "list", "ls", "l")
def list_(ctx: typer.Context, watch: Watch = False) -> None:
    """List the workflow templates of all repositories."""
    show_list(ctx.obj, "workflow_list", {}, workflows.workflow_table, watch)


@verb(app, "show", "s")
def show(
    ctx: typer.Context,
    workflow: Annotated[
        str,
        typer.Argument(
            metavar="NAME[@REVISION]", help="Workflow of the site.", autocompletion=workflow_names
        ),
    ],
) -> None:
    """List the variables of a workflow, and where each is read.

    coconut workflow show readout-dataflow@v1.2
    """
    ctx.obj.show(ctx.obj.ask("workflow_show", {"workflow": workflow}), workflows.variables)


@verb(app, "check", "c")
def check(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Workflow or task templates.")],
    given: Given = None,
    site: SiteFile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="List only files with problems.")] = False,
) -> None:
    """Check templates; the exit code is 1 if there is a problem."""
    from salt_o2.workflow.authoring.checker import check as verdict_on

    verdicts = [verdict_on(file, variables(given or ()), *site_variables(site)) for file in files]
    documents = [
        {"file": each.file, "problems": list(each.problems), "notes": list(each.notes)} for each in verdicts
    ]
    ctx.obj.show(documents, lambda found: _verdict_text(found, quiet), ("problems", "notes"))
    if any(each.problems for each in verdicts):
        raise typer.Exit(1)


@verb(app, "expand", "x")
def expand(
    ctx: typer.Context,
    file: File,
    given: Given = None,
    site: SiteFile = None,
    origins: Annotated[bool, typer.Option("--origins", help="Show the origin of each variable.")] = False,
    with_variables: Annotated[
        bool, typer.Option("--variables", help="Show the variables of each leaf.")
    ] = False,
) -> None:
    """Show the tree of roles of a workflow."""
    from salt_o2.workflow.authoring.outline import outline

    found = outline(_load(file, given, site), with_variables, origins)
    ctx.obj.show(found, lambda tree: "\n".join([*_tree(tree["root"], ""), *tree["notes"]]))


@verb(app, "graph", "g")
def graph(
    ctx: typer.Context,
    file: File,
    given: Given = None,
    site: SiteFile = None,
    form: Annotated[str, typer.Option("-f", "--format", help="svg or mermaid.")] = "svg",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to a file instead of stdout.")
    ] = None,
) -> None:
    """Draw roles as boxes and channels as arrows."""
    from salt_o2.core.errors import InvalidRequestError
    from salt_o2.workflow.authoring.mermaid import mermaid
    from salt_o2.workflow.authoring.svg import svg

    if form not in ("svg", "mermaid"):
        raise InvalidRequestError(f"--format {form}: svg or mermaid")
    text = (mermaid if form == "mermaid" else svg)(_load(file, given, site))
    if output is None:
        ctx.obj.show({"format": form, "text": text}, lambda found: found["text"], ("text",))
    else:
        output.write_text(text)
        ctx.obj.show({"format": form, "file": str(output)}, lambda found: f"written to {found['file']}")


@verb(app, "schema")
def schema(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="workflow or task.")] = "workflow",
) -> None:
    """Print the JSON schema of templates, for editors."""
    from salt_o2.core.errors import InvalidRequestError
    from salt_o2.workflow.templates.json_schema import schema as schema_of

    if kind not in ("workflow", "task"):
        raise InvalidRequestError(f"{kind}: workflow or task")
    print(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))


def _load(file: Path, given: list[str] | None, site: Path | None) -> "Workflow":
    from salt_o2.core.errors import TemplateError
    from salt_o2.workflow.authoring.checker import load_alone, source_of

    try:
        source = source_of(file)
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{file}: cannot be read: {error}") from error
    return load_alone(source, file.stem, variables(given or ()), *site_variables(site))


def _verdict_text(verdicts: list[dict[str, Any]], quiet: bool) -> str:
    lines = []
    for verdict in verdicts:
        lines += verdict["problems"] + ([] if quiet else verdict["notes"])
        if not quiet and not verdict["problems"]:
            lines.append(f"{verdict['file']}: no problems")
    wrong = sum(bool(verdict["problems"]) for verdict in verdicts)
    count = sum(len(verdict["problems"]) for verdict in verdicts)
    if wrong:
        lines.append(f"{count} problems in {wrong} of {len(verdicts)} files")
    if any("unknown variable" in problem for verdict in verdicts for problem in verdict["problems"]):
        lines.append(
            "set variables of the site with --site FILE, and variables of the user with -e name=value"
        )
    return "\n".join(lines)


def _tree(role: dict[str, Any], indent: str) -> list[str]:
    task, call = role.get("task"), role.get("call")
    tolerated = f" [tolerates {role['tolerate']} lost]" if "tolerate" in role else ""
    left_open = f" {role['open']}" if "open" in role else ""
    lines = [f"{indent}{role['name']}{_leaf(task, call)}{tolerated}{left_open}"]
    for name in ("constraints", "bind", "connect"):
        lines += [f"{indent}  {name}: {each}" for each in (task or {}).get(name, ())]
    lines += [f"{indent}  {each}" for each in (task or {}).get("open", ())]
    for name, value in role.get("variables", {}).items():
        lines.append(
            f"{indent}  {name} = {value}" if isinstance(value, str) else _origin(indent, name, value)
        )
    for child in role.get("roles", ()):
        lines += _tree(child, f"{indent}  ")
    return lines


def _leaf(task: dict[str, Any] | None, call: dict[str, Any] | None) -> str:
    if call:
        when = f"at {call['trigger']}, awaited at {call['await']}" if call["trigger"] else "never"
        result = f", returns {call['return']}" if call["return"] else ""
        return f" [calls {call['func']} {when}, {_timing(call)}{result}]"
    if not task:
        return ""
    ends = ", ends the data" if task.get("ends_data") else ""
    if "trigger" in task:
        return f" [{task['class']}, {task['mode']} at {task['trigger']}, {_timing(task)}{ends}]"
    return f" [{task['class']}, {task['mode']}{'' if task['critical'] else ', not critical'}{ends}]"


def _timing(leaf: dict[str, Any]) -> str:
    critical = "critical" if leaf["critical"] else "not critical"
    return f"timeout {leaf['timeout_s']:g} s, {critical}"


def _origin(indent: str, name: str, value: dict[str, str]) -> str:
    return f"{indent}  {name} = {value['value']}    # {value['from']}"
