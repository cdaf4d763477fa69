"""The task templates that a workflow uses, each read once, with all that is wrong with them."""

from collections.abc import Iterable
from typing import NamedTuple

from salt_o2.core.errors import TemplateError, UnknownName
from salt_o2.workflow.document import read
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.source import Source
from salt_o2.workflow.task_template import TaskTemplate, read_task_template
from salt_o2.workflow.text import Text

SPECIALS = (
    "task_id",
    "task_name",
    "task_hostname",
    "task_class_name",
    "task_parent_role",
    "environment_id",
    "control_port",
)
"""Variables that a task has only once it has a place."""
TASK_FUNCTIONS = ("ToPtree",)


class TaskClasses:
    """Task templates of one source, by class name."""

    def __init__(self, source: Source, problems: Problems) -> None:
        self._source = source
        self._problems = problems
        self._read: dict[str, TaskTemplate | None] = {}

    def find(self, name: str, place: Place, path: str) -> TaskTemplate | None:
        """Return the template of class ``name``; without one, note the problem of the role at ``path``."""
        if name not in self._read:
            self._read[name] = self._load(name, place, path)
        return self._read[name]

    def _load(self, name: str, place: Place, path: str) -> TaskTemplate | None:
        before = len(self._problems)
        if "/" in name:
            self._problems.add(place, path, f"task class {name}: other repositories are not supported yet")
            return None
        try:
            template = self._source.task(name)
            found = read_task_template(read(template.text, template.file), name, self._problems)
        except UnknownName as error:
            self._problems.add(place, path, str(error))
        except TemplateError as error:
            for problem in error.problems:
                file, _, what = problem.partition(": ")
                self._problems.add(Place(file, 0), "", what)
        else:
            return found if len(self._problems) == before else None
        return None


class Unknown(NamedTuple):
    """A name that a text needs and nobody gives; ``known`` are those that it could use there."""

    text: Text
    name: str
    known: set[str]


def unknown_names(template: TaskTemplate, given: Iterable[str]) -> list[Unknown]:
    """Return the names that ``template`` needs beyond ``given``, which its role has."""
    base = {*given, *SPECIALS, *TASK_FUNCTIONS}
    with_defaults = base | set(template.defaults)
    layers = (
        (template.defaults.values(), base),
        (template.vars.values(), with_defaults),
        (template.texts(), with_defaults | set(template.vars)),
    )
    return [
        Unknown(text, name, known)
        for texts, known in layers
        for text in texts
        for used in text.expressions
        for name in sorted(used.required - known)
    ]
