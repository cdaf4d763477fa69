"""Read the workflow and task templates that a workflow uses, each once, and collect their faults."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from salt_o2.core.errors import O2Error, TemplateError, UnknownNameError
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.sources.reference import parse_reference
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.templates.role_template import RoleTemplate, read_workflow
from salt_o2.workflow.templates.task_template import TaskTemplate, read_task_template
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.templates.yaml_document import read

SPECIALS = (
    "task_id",
    "task_name",
    "task_hostname",
    "task_class_name",
    "task_parent_role",
    "environment_id",
    "control_port",
)
"""Variables that a task has only after placement."""
TASK_FUNCTIONS = ("ToPtree",)
Found = TypeVar("Found")


class Repositories(Protocol):
    """Finds templates of other repositories, or of other revisions of the same repository."""

    def find(self, repository: str, revision: str, near: Source) -> Source:
        """Return ``repository`` at ``revision``; empty ones mean that of ``near`` and its default.

        Raises:
            UnknownNameError: if there is no such repository or revision.
        """


class Elsewhere(UnknownNameError):
    """The template is in a repository that only a site can open."""


class NoRepositories:
    """There is no repository besides the one source."""

    def find(self, repository: str, revision: str, near: Source) -> Source:  # noqa: ARG002
        """Refuse."""
        raise Elsewhere(f"no repository {repository or 'with revisions'} is known here")


class _TemplateCatalogue:
    """Finds the source of a reference; records the faults on the way."""

    def __init__(self, problems: Problems, repositories: Repositories) -> None:
        self._problems = problems
        self._repositories = repositories
        self._sources: dict[tuple[int, str, str], Source] = {}
        self._elsewhere: dict[Place, str] = {}
        self.alone = False
        """Whether an author checks a template without its site: what only a site finds stays open."""

    def locate(self, text: str, kind: str, near: Source) -> tuple[Source, str]:
        """Return the source and the name that ``text``, written in ``near``, refers to."""
        reference = parse_reference(text, kind)
        if not reference.foreign:
            return near, reference.name
        key = (id(near), reference.repository, reference.revision)
        if key not in self._sources:
            self._sources[key] = self._repositories.find(reference.repository, reference.revision, near)
        return self._sources[key], reference.name

    def left_open(self, reference: str | None, place: Place) -> str:
        """Return why the ``reference`` at ``place`` cannot be followed here; empty if it can, or is wrong."""
        return f"[open: {reference}: {self._elsewhere[place]}]" if place in self._elsewhere else ""

    def attempt(self, place: Place, path: str, action: Callable[[], Found]) -> Found | None:
        """Return the result of ``action``, or ``None`` if it raised an error or recorded a fault."""
        before = len(self._problems)
        try:
            found = action()
        except TemplateError as error:
            for problem in error.problems:
                file, _, what = problem.partition(": ")
                self._problems.add(Place(file, 0), "", what)
        except Elsewhere as error:
            if not self.alone:
                self._problems.add(place, path, str(error))
            else:
                self._problems.leave_open(place, path, str(error))
                self._elsewhere[place] = str(error)
        except O2Error as error:
            self._problems.add(place, path, str(error))
        else:
            return found if len(self._problems) == before else None
        return None


class TaskClasses(_TemplateCatalogue):
    """Task templates by class name and source."""

    def __init__(self, problems: Problems, repositories: Repositories) -> None:
        super().__init__(problems, repositories)
        self._read: dict[tuple[int, str], TaskTemplate | None] = {}

    def find(self, name: str, source: Source, place: Place, path: str) -> TaskTemplate | None:
        """Return the template of class ``name``; without one, record the problem of the role at ``path``."""
        key = (id(source), name)
        if key not in self._read:
            self._read[key] = self.attempt(place, path, lambda: self._load(name, source))
        return self._read[key]

    def _load(self, name: str, near: Source) -> TaskTemplate:
        source, base = self.locate(name, "tasks", near)
        template = source.task(base)
        return read_task_template(read(template.text, template.file), base, self._problems)


class Workflows(_TemplateCatalogue):
    """Workflow templates to be included, by name and source."""

    def __init__(self, problems: Problems, repositories: Repositories) -> None:
        super().__init__(problems, repositories)
        self._read: dict[tuple[int, str], tuple[RoleTemplate, Source] | None] = {}

    def find(self, name: str, source: Source, place: Place, path: str) -> tuple[RoleTemplate, Source] | None:
        """Return the root role of workflow ``name`` and its source; without one, record the problem."""
        key = (id(source), name)
        if key not in self._read:
            self._read[key] = self.attempt(place, path, lambda: self._load(name, source))
        return self._read[key]

    def roots(self) -> Iterable[RoleTemplate]:
        """Return the root roles of all workflows found."""
        return (found[0] for found in self._read.values() if found)

    def _load(self, name: str, near: Source) -> tuple[RoleTemplate, Source]:
        source, base = self.locate(name, "workflows", near)
        template = source.workflow(base)
        return read_workflow(read(template.text, template.file), template.name, self._problems), source


class Unknown(NamedTuple):
    """A name that a text needs and that is not defined; ``known`` are the names that it could use."""

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
