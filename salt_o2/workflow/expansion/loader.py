"""Load a workflow by name with the user's variables: return it expanded, or raise its faults."""

from collections.abc import Collection, Mapping

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.core.plan.channel_resolution import names_of, unmatched
from salt_o2.core.plan.channels import EXPLICIT, GLOBAL, PEERS, BoundChannel
from salt_o2.workflow.expansion.expander import Expansion
from salt_o2.workflow.expansion.gc_pause import collector_paused
from salt_o2.workflow.expansion.leaves import Wanted
from salt_o2.workflow.expansion.open_variables import OpenVariables
from salt_o2.workflow.expansion.template_catalogue import NoRepositories, Repositories, TaskClasses, Workflows
from salt_o2.workflow.expansion.workflow_tree import Role, TaskRole, Workflow
from salt_o2.workflow.expressions.evaluation_budget import within
from salt_o2.workflow.limits import LOAD_S
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.templates.role_template import read_workflow
from salt_o2.workflow.templates.variable_specs import Specification, check
from salt_o2.workflow.templates.yaml_document import read
from salt_o2.workflow.variables.site_services import NOWHERE
from salt_o2.workflow.variables.stable_ids import identities
from salt_o2.workflow.variables.stack import Block, Inherited
from salt_o2.workflow.variables.user_variables import UserVariables

BUILT_IN = {"fairmq_prefix": "", "fmq_plugin": "OCClite"}
"""Variables that every workflow has; a site's defaults override them."""
_NONE: Mapping[str, str] = {}
_UNSCALED: Mapping[str, int] = {}


@within(LOAD_S)
@collector_paused()
def load(
    source: Source,
    name: str,
    *,
    variables: Mapping[str, str] = _NONE,
    site_defaults: Mapping[str, str] = _NONE,
    site_vars: Mapping[str, str] = _NONE,
    scale: Mapping[str, int] = _UNSCALED,
    dormant: Collection[str] = (),
    outside: OpenVariables | None = None,
) -> Workflow:
    """Return the workflow ``name`` of ``source``, expanded for the user's ``variables``.

    A variable ``path.to.role:name`` applies to that role and the roles below it. ``scale`` sets the number of
    roles of iterators, by the fixed beginning of their roles' names. Names of both that are ``dormant`` may
    refer to roles that do not exist (now). With ``outside``, for authors, values from outside stay open, and
    a workflow without an enabled role is no fault.

    Raises:
        UnknownNameError: if ``source`` has no such workflow, or ``scale`` names no iterator of it.
        TemplateError: if there is a fault in it or in the task templates it uses; it lists all faults.
    """
    problems = Problems()
    written = source.workflow(name)
    template = read_workflow(read(written.text, written.file), written.name, problems)
    user = UserVariables(variables)
    inherited = Inherited(
        user.everywhere,
        Block(site_vars, "vars of the site"),
        Block({**BUILT_IN, **site_defaults}, "defaults of the site"),
        outside or _NONE,
        services={**(getattr(source, "services", None) or NOWHERE), **identities()},
        folder=getattr(source, "path", None),
    )
    repositories: Repositories = getattr(source, "repositories", None) or NoRepositories()
    classes, workflows = TaskClasses(problems, repositories), Workflows(problems, repositories)
    classes.alone = workflows.alone = outside is not None
    expansion = Expansion(classes, workflows, problems, scale, user)
    root = expansion.expand(template, inherited, source)
    leaves, unmet = expansion.leaves, [*expansion.iterations.unmet]
    if expansion.complete and not problems.channels_lost:  # Otherwise all their peers would be problems, too.
        _check_targets(leaves.tasks, leaves.wanted, problems, alone=outside is not None)
    described = [template, *workflows.roots()]
    specifications = {each.name: each for role in reversed(described) for each in role.described()}
    warnings = _check_variables(specifications, user.everywhere, dormant, problems)
    problems.raise_any()
    user.raise_unmet(dormant)
    unmet = [each for each in unmet if each not in dormant]
    if unmet:
        raise UnknownNameError(f"no iterator of {written.name} makes roles named {', '.join(unmet)}...")
    if outside:
        for line in outside.notes():
            problems.note(Place(written.file, 0), "", line)
    if root is None and not problems.left_open:
        what = "the workflow has no role that is enabled"
        if not outside:
            raise TemplateError(f"{written.file}: {what}")
        problems.note(Place(written.file, 0), "", what)
    return Workflow(
        name=written.name,
        description=template.description,
        revision=source.revision(),
        root=root or Role(name=written.name, path=written.name),
        specifications=specifications,
        tasks=tuple(leaves.tasks),
        calls=tuple(leaves.calls),
        notes=problems.notes,
        warnings=warnings,
        variables=expansion.variables,
        written=tuple(described),
    )


def _check_variables(
    specifications: Mapping[str, Specification],
    variables: Mapping[str, str],
    dormant: Collection[str],
    problems: Problems,
) -> tuple[str, ...]:
    """Record faults of a user's variables; return the doubts about those that are not ``dormant``."""
    warnings = []
    for found in check(specifications, variables):
        place = specifications[found.name].place
        if found.is_fault:
            problems.add(place, "", found.what)
        else:
            problems.note(place, "", found.what)
            warnings += [found.what] if found.name not in dormant else []
    return tuple(warnings)


def _check_targets(tasks: list[TaskRole], wanted: list[Wanted], problems: Problems, *, alone: bool) -> None:
    """Report connected channels that no task binds, or whose peer has no matching type.

    Where a template is checked ``alone``, a workflow that includes it may bind the global channels.
    """
    bound: dict[str, BoundChannel] = {}
    for task in tasks:
        for channel in task.bind:
            for name in names_of(task.path, channel):
                if bound.setdefault(name, channel) is not channel:
                    problems.add(task.place, task.path, f"a second channel is global {channel.alias}")
    for task in tasks:
        for channel in task.bind if task.written_path != task.path else ():
            bound.setdefault(f"{task.written_path}:{channel.name}", channel)
    for path, place, seeker in wanted:
        if seeker.target.startswith(EXPLICIT):
            continue
        peer = bound.get(seeker.target)
        if peer is None and alone and seeker.target.startswith(GLOBAL):
            what = f"channel {seeker.name}: {unmatched(seeker.target, bound)} here, but a workflow around may"
            problems.leave_open(place, path, what)
        elif peer is None:
            problems.add(place, path, f"channel {seeker.name}: {unmatched(seeker.target, bound)}")
        elif PEERS.get(seeker.type) != peer.type:
            what = f"channel {seeker.name} is {seeker.type}, but {seeker.target} is {peer.type}"
            problems.add(place, path, f"{what}: they cannot exchange messages")
