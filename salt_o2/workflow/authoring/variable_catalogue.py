"""List the variables of a workflow: what its templates define, and where they read each variable.

The templates are read as they are written, without values: roles that are disabled now and all branches of
expressions count. What templates do not show stays unknown: payloads of the configuration and integrations
get all variables of a role, and a task class or an included workflow may have a computed name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.similar_names import LIKENESS, nearest
from salt_o2.workflow.expansion.template_catalogue import (
    SPECIALS,
    TASK_FUNCTIONS,
    NoRepositories,
    Repositories,
    TaskClasses,
    Workflows,
)
from salt_o2.workflow.expansion.workflow_tree import Workflow
from salt_o2.workflow.expressions.evaluation.mentions import mentions
from salt_o2.workflow.expressions.functions.catalogue import FUNCTIONS
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.templates.role_template import RoleTemplate, read_workflow
from salt_o2.workflow.templates.task_template import TaskTemplate
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.templates.variable_specs import Specification
from salt_o2.workflow.templates.yaml_document import read
from salt_o2.workflow.variables.site_services import ALIASES, TABLE
from salt_o2.workflow.variables.stack import bound_names

WITH_ALL_VARIABLES = frozenset({"config", "dpl", "odc"})
"""Namespaces of functions that get all variables of their role."""
CLEAR_LIKENESS = 0.85
"""Similarity of a known name, from 0 to 1, for a warning where not all reads are known."""
_NO_VARIABLES = frozenset({*FUNCTIONS, *TABLE, *ALIASES, *SPECIALS, *TASK_FUNCTIONS, *bound_names()})


@dataclass(slots=True)
class Variable:
    """One variable of a workflow."""

    name: str
    specification: Specification | None = None
    """Its description for forms, if it has one."""
    defaults: list[tuple[Place, str]] = field(default_factory=list)
    """Where ``defaults`` define it, with the texts."""
    vars: list[tuple[Place, str]] = field(default_factory=list)
    """Where ``vars`` define it, with the texts; they take precedence over ``defaults``."""
    of_tasks: list[tuple[Place, str]] = field(default_factory=list)
    """Where task templates define it, with the texts; a value of the workflow takes precedence."""
    reads: list[Place] = field(default_factory=list)

    @property
    def is_defined(self) -> bool:
        """Whether a template gives it a value."""
        return bool(self.defaults or self.vars or self.of_tasks)


class VariableCatalogue:
    """The variables of some templates."""

    def __init__(self) -> None:
        """Begin without templates."""
        self.description = ""
        """The description of the workflow, if the catalogue is of one."""
        self.variables: dict[str, Variable] = {}
        self.unknown: dict[str, None] = {}
        """Why not all reads are known; empty if they are."""
        self._iterators: set[str] = set()
        self._endings: set[str] = set()
        self._seen: set[int] = set()

    def reads(self, name: str) -> bool:
        """Return whether a template may read the variable ``name``."""
        known = self.variables.get(name)
        return bool(known and known.reads) or any(name.endswith(each) for each in self._endings)

    def records(self, site: Mapping[str, str], read_elsewhere: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the variables in alphabetical order, as users see them.

        ``site`` are the values that the site gives. ``read_elsewhere`` says what control does with variables
        that it reads itself. ``default`` is as the template writes it: expressions are not computed.
        """
        return [
            _record(each, site.get(name), read_elsewhere.get(name, ""), self._endings)
            for name, each in sorted(self.variables.items())
            if each.is_defined or name not in self._iterators
        ]

    def add_role(self, role: RoleTemplate) -> None:
        """Add ``role`` and the roles below it."""
        if id(role) in self._seen:
            return
        self._seen.add(id(role))
        self._define(role.defaults, "defaults")
        self._define(role.vars, "vars")
        for described in role.specifications:
            self._at(described.name).specification = described
        self._read(_texts_of(role))
        if role.call:
            self.unknown["calls of integrations get all variables"] = None
            if role.call.result and role.call.result.constant:
                self._at(role.call.result.constant)
        if role.loop:
            self._iterators.add(role.loop.var)
        for child in role.roles:
            self.add_role(child)

    def add_task(self, task: TaskTemplate) -> None:
        """Add the template of a task."""
        if id(task) in self._seen:
            return
        self._seen.add(id(task))
        self._define(task.vars, "of_tasks")
        self._define(task.defaults, "of_tasks")
        self._read((*_texts_of_task(task), *task.defaults.values(), *task.vars.values()))

    def _define(self, entries: Mapping[str, Text], block: str) -> None:
        for name, text in entries.items():
            getattr(self._at(name), block).append((text.place, text.source))

    def _read(self, texts: Iterable[Text]) -> None:
        for text in texts:
            for expression in text.expressions:
                found = mentions(expression)
                self._endings |= found.endings
                if found.computes_names:
                    self.unknown["an expression computes the name of a variable"] = None
                if found.names & WITH_ALL_VARIABLES or _reads_all(found.names):
                    self.unknown["payloads of the configuration get all variables"] = None
                for name in found.names - _NO_VARIABLES:
                    reads = self._at(name).reads
                    if text.place not in reads:
                        reads.append(text.place)

    def _at(self, name: str) -> Variable:
        return self.variables.setdefault(name, Variable(name))


def catalogue_of(source: Source, name: str, workflow: Workflow | None = None) -> VariableCatalogue:
    """Return the variables of workflow ``name`` of ``source`` and of all templates that it may use.

    ``workflow`` is its expansion, if there is one: templates with computed names are known from it.

    Raises:
        UnknownNameError: if ``source`` has no such workflow.
        TemplateError: if the template of the workflow itself is no YAML.
    """
    found, problems = VariableCatalogue(), Problems()
    repositories: Repositories = getattr(source, "repositories", None) or NoRepositories()
    workflows, classes = Workflows(problems, repositories), TaskClasses(problems, repositories)
    if workflow:
        _add_expansion(found, workflow)
    written = source.workflow(name)
    root = read_workflow(read(written.text, written.file), written.name, problems)
    found.description = root.description
    _follow(root, source, workflows, classes, found)
    return found


def unread(
    source: Source, workflow: Workflow, given: Collection[str], read_elsewhere: Collection[str]
) -> list[str]:
    """Return a warning for each name of a user's variables in ``given`` that nothing reads.

    ``read_elsewhere`` are the names that control reads itself. The nearest name is suggested. Where not all
    reads are known, only names that are very similar to a variable of the workflow are reported.
    """
    names = {name: name.rpartition(":")[2] for name in given}
    quick = VariableCatalogue()
    _add_expansion(quick, workflow)
    suspects = {
        name: own for name, own in names.items() if own not in read_elsewhere and not quick.reads(own)
    }
    if not suspects:
        return []
    found = catalogue_of(source, workflow.name, workflow)
    used = [name for name in found.variables if found.reads(name)] + [*read_elsewhere]
    likeness = CLEAR_LIKENESS if found.unknown else LIKENESS
    warnings = []
    for name, own in suspects.items():
        if found.reads(own):
            continue
        near = nearest(own, used, likeness)
        if near or not found.unknown:
            advice = f" (did you mean {near}?)" if near else ""
            warnings.append(f"variable {name}: nothing in workflow {workflow.name} reads it{advice}")
    return warnings


def _record(variable: Variable, site: str | None, control: str, endings: Collection[str]) -> dict[str, Any]:
    described = variable.specification
    written = [*variable.vars, *variable.defaults, *variable.of_tasks]
    reads = [str(place) for place in sorted(variable.reads)]
    reads += ["a name that is computed"] if any(variable.name.endswith(each) for each in endings) else []
    reads += [f"control: {control}"] if control else []
    return {
        "name": variable.name,
        "type": described.type if described else "string",
        "default": described.value if described else written[0][1] if written else None,
        "site": site,
        "values": list(described.values) if described else [],
        "label": described.label if described else "",
        "description": described.description if described else "",
        "block": "vars" if variable.vars else "defaults" if variable.defaults else "",
        "defined": [str(place) for place, _ in written],
        "read": reads,
    }


def _add_expansion(found: VariableCatalogue, workflow: Workflow) -> None:
    for role in workflow.written:
        found.add_role(role)
    for task in workflow.tasks:
        found.add_task(task.template)


def _follow(
    root: RoleTemplate,
    source: Source,
    workflows: Workflows,
    classes: TaskClasses,
    found: VariableCatalogue,
) -> None:
    """Add the roles below ``root`` and the templates that they name, each once."""
    todo: list[tuple[RoleTemplate, Source]] = [(root, source)]
    seen: set[tuple[Place, int]] = set()
    while todo:
        role, source = todo.pop()
        key = (role.place, id(source))
        if key in seen:
            continue
        seen.add(key)
        found.add_role(role)
        todo += [(child, source) for child in role.roles]
        if role.include and (loaded := _named(role.include, found)):
            included = workflows.find(loaded, source, role.place, "")
            todo += [included] if included else []
        if role.task and (loaded := _named(role.task.load, found)):
            task = classes.find(loaded, source, role.place, "")
            if task:
                found.add_task(task)


def _named(text: Text, found: VariableCatalogue) -> str:
    if text.constant is None:
        found.unknown["the name of a template is computed"] = None
    return text.constant or ""


def _reads_all(names: Collection[str]) -> bool:
    return any(ALIASES[name][0] in WITH_ALL_VARIABLES for name in names if name in ALIASES)


def _texts_of(role: RoleTemplate) -> Iterator[Text]:
    yield role.name
    yield from (text for text in (role.enabled, role.include, role.tolerate) if text)
    yield from (*role.defaults.values(), *role.vars.values())
    yield from (each.value for each in role.constraints)
    yield from (text for channel in (*role.bind, *role.connect) for _, text in channel.fields)
    loop, task, call = role.loop, role.task, role.call
    parts: list[Text | None] = [loop.begin, loop.end, loop.range] if loop else []
    parts += [task.load, task.trigger, task.timeout] if task else []
    parts += [call.func, call.trigger, call.until, call.result, call.timeout] if call else []
    yield from (text for text in parts if text)


def _texts_of_task(task: TaskTemplate) -> Iterator[Text]:
    yield from task.texts()
    yield from (each.value for each in task.constraints)
    yield from (text for channel in (*task.bind, *task.connect) for _, text in channel.fields)
