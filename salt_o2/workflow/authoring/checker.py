"""Check template files for an author: report all faults at once, without a site."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from salt_o2.core.errors import O2Error, TemplateError
from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.expansion.open_variables import OpenVariables
from salt_o2.workflow.expansion.workflow_tree import Workflow
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.source import Template
from salt_o2.workflow.templates.task_template import read_task_template
from salt_o2.workflow.templates.yaml_document import Mapping as MappingNode
from salt_o2.workflow.templates.yaml_document import read

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the check of one file."""

    file: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check(
    file: Path,
    variables: Mapping[str, str] = _NONE,
    site_defaults: Mapping[str, str] = _NONE,
    site_vars: Mapping[str, str] = _NONE,
) -> Verdict:
    """Return the faults of a workflow or task template and of all templates that it uses.

    Values from the user, from control, or from an including workflow stay open and are reported as a note.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Verdict(str(file), (f"{file}: cannot be read: {error}",))
    try:
        if is_task(file, text):
            return Verdict(str(file), tuple(_task_problems(file, text)))
        workflow = load_alone(_Beside(file, text), file.stem, variables, site_defaults, site_vars)
    except TemplateError as error:
        return Verdict(str(file), error.problems)
    except O2Error as error:
        return Verdict(str(file), (f"{file}: {error}",))
    return Verdict(str(file), (), workflow.notes)


def is_task(file: Path, text: str) -> bool:
    """Return whether ``file`` is a task template: by its folder, or else because it has a command."""
    if file.absolute().parent.name in ("tasks", "workflows"):
        return file.absolute().parent.name == "tasks"
    root = read(text, str(file))
    return isinstance(root, MappingNode) and "command" in root.entries


def load_alone(
    source: Directory,
    name: str,
    variables: Mapping[str, str] = _NONE,
    site_defaults: Mapping[str, str] = _NONE,
    site_vars: Mapping[str, str] = _NONE,
) -> Workflow:
    """Return the workflow ``name``, as far as it does not depend on values from outside.

    Raises:
        TemplateError: if there is a fault in it or in the task templates it uses.
    """
    return load(
        source,
        name,
        variables=variables,
        site_defaults=site_defaults,
        site_vars=site_vars,
        outside=OpenVariables(source, name),
    )


def source_of(file: Path) -> Directory:
    """Return the repository of the workflow ``file``, in which the workflow is the one in the file."""
    return _Beside(file, file.read_text(encoding="utf-8-sig"))


class _Beside(Directory):
    """The repository around a file: its workflow is the file, wherever the file is."""

    def __init__(self, file: Path, text: str) -> None:
        absolute = file.absolute()
        super().__init__(absolute.parent.parent if absolute.parent.name == "workflows" else absolute.parent)
        self._template = Template(absolute.stem, str(file), text)

    def workflow(self, name: str) -> Template:
        return self._template if name == self._template.name else super().workflow(name)


def _task_problems(file: Path, text: str) -> list[str]:
    problems = Problems()
    read_task_template(read(text, str(file)), file.stem, problems)
    return problems.lines()
