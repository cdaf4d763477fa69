"""From the name of a workflow and the user's variables to an expanded workflow, or to all that is wrong with it."""

from collections.abc import Mapping

from salt_o2.core.channel import EXPLICIT, PEERS, Bound, names_of, unmatched
from salt_o2.core.errors import TemplateError
from salt_o2.workflow.catalogue import TaskClasses
from salt_o2.workflow.document import read
from salt_o2.workflow.expand import Expansion
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.role_template import RoleTemplate, read_workflow
from salt_o2.workflow.source import Source
from salt_o2.workflow.stack import Inherited
from salt_o2.workflow.tree import Workflow

BUILT_IN = {"fairmq_prefix": "", "fmq_plugin": "OCClite"}
"""Variables that every workflow has; a site's defaults override them."""
_NONE: Mapping[str, str] = {}


def load(
    source: Source,
    name: str,
    *,
    variables: Mapping[str, str] = _NONE,
    site_defaults: Mapping[str, str] = _NONE,
    site_vars: Mapping[str, str] = _NONE,
) -> Workflow:
    """Return the workflow ``name`` of ``source``, expanded for the user's ``variables``.

    Raises:
        UnknownName: if ``source`` has no such workflow.
        TemplateError: if anything is wrong with it or with the task templates it uses; all of it is said.
    """
    problems = Problems()
    template = source.workflow(name)
    root = read_workflow(read(template.text, template.file), template.name, problems)
    inherited = Inherited(_checked(variables, template.file), site_vars, {**BUILT_IN, **site_defaults})
    workflow = _expand(source, template.file, root, inherited, problems, template.name)
    problems.raise_any()
    if workflow is None:
        raise TemplateError(f"{template.file}: the workflow has no task that is enabled")
    return workflow


def _expand(
    source: Source, file: str, template: RoleTemplate, inherited: Inherited, problems: Problems, name: str
) -> Workflow | None:
    expansion = Expansion(TaskClasses(source, problems), problems)
    root = expansion.expand(template, inherited)
    if root is None:
        return None
    if not len(problems):
        _check_targets(expansion, problems)
    return Workflow(
        name=name,
        description=template.description,
        revision=source.revision(),
        root=root,
        tasks=tuple(expansion.tasks),
        variables=expansion.root_variables(template, inherited),
    )


def _check_targets(expansion: Expansion, problems: Problems) -> None:
    """Note connected channels that nobody binds, or whose peer is of a type that they cannot exchange messages with."""
    bound: dict[str, Bound] = {}
    for task in expansion.tasks:
        for channel in task.bind:
            for name in names_of(task.path, channel):
                if bound.setdefault(name, channel) is not channel:
                    problems.add(task.place, task.path, f"a second channel is global {channel.alias}")
    for path, place, wanted in expansion.targets:
        if wanted.target.startswith(EXPLICIT):
            continue
        peer = bound.get(wanted.target)
        if peer is None:
            problems.add(place, path, f"channel {wanted.name}: {unmatched(wanted.target, bound)}")
        elif PEERS.get(wanted.type) != peer.type:
            what = f"channel {wanted.name} is {wanted.type}, and so it cannot connect to {wanted.target}, which is {peer.type}"
            problems.add(place, path, what)


def _checked(variables: Mapping[str, str], file: str) -> Mapping[str, str]:
    per_role = [name for name in variables if ":" in name]
    if per_role:
        raise TemplateError(
            [
                f"{Place(file, 0)}: variable {name}: variables for one role are not supported yet"
                for name in per_role
            ]
        )
    return variables
