"""Drafts of plans: made from the current site, stored, and compared with a new draft on application.

A draft holds the ids that it was made with, so that control can make the same plan again when a user applies
it. If hosts, ports or templates have changed meanwhile, the two drafts differ, and control applies nothing.
"""

import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

from salt_o2.control.planning.plan_builder import make_plan
from salt_o2.core.errors import InvalidRequestError, PlanError
from salt_o2.core.ids import EnvironmentId, TaskId, short_id
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import Overrides, excluded_tasks, names_in
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.core.similar_names import did_you_mean
from salt_o2.site import workflow_index
from salt_o2.site.builtin_variables import ENVIRONMENT_ID, built_in
from salt_o2.site.control_variables import READ_BY_CONTROL
from salt_o2.site.settings import Site, check_variables
from salt_o2.workflow import Workflow
from salt_o2.workflow.authoring.variable_catalogue import unread
from salt_o2.workflow.expansion.loader import load

ID_BITS = 63
"""Eleven base-58 digits hold 64 bits: ids of environments and tasks are random, and do not repeat."""
NewId = Callable[[], str]
"""Returns a new id, as ``random_id`` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """A plan that was made and not carried out yet."""

    environment: EnvironmentId
    workflow: str
    overrides: Overrides
    plan: Plan
    excluded: dict[TaskId, str] = field(default_factory=dict)
    previous: Plan | None = None
    """The plan that it would replace."""
    claimed: frozenset[TaskId] = frozenset()
    """Its tasks that come from the pool, with their processes."""
    stored: frozenset[TaskId] = frozenset()
    """Tasks of the previous plan that are transferred to the pool."""
    transfers_to_pool: bool = False
    """Whether healthy departing tasks are transferred to the pool, as far as it has room."""
    warnings: tuple[str, ...] = ()
    """What the user should know, such as variables that nothing reads."""


def load_with_overrides(
    site: Site,
    workflow: str,
    overrides: Overrides,
    environment: EnvironmentId,
    asked: Collection[str] = (),
    purpose: workflow_index.Purpose = workflow_index.Purpose.CREATE,
) -> Workflow:
    """Return ``workflow`` of the site's workflow index, expanded for ``overrides`` of ``environment``.

    ``asked`` are the names in ``overrides`` that this request adds: each must have a role. ``purpose``
    decides what its templates may do on the master. Reads files: call it in a thread.
    """
    source = workflow_index.find(site.repositories, workflow, purpose)
    loaded = load(
        source,
        workflow,
        variables={**overrides.vars, ENVIRONMENT_ID: environment},
        site_defaults={**built_in(site.configuration), **site.defaults},
        site_vars=site.vars,
        scale=overrides.scale,
        dormant=frozenset({*overrides.scale, *overrides.vars}).difference(asked),
    )
    given = [name for name in overrides.vars if name in asked]
    return replace(loaded, warnings=(*loaded.warnings, *unread(source, loaded, given, READ_BY_CONTROL)))


def make_draft(
    workflow: Workflow,
    inventory: Inventory,
    overrides: Overrides,
    *,
    name: str,
    environment: EnvironmentId,
    ids: Iterator[TaskId],
    old: Plan | None = None,
    rescheduled: Collection[str] = (),
    refused: Collection[str] = (),
    free: Collection[PlannedTask] = (),
    asked: Collection[str] = (),
) -> PlanDraft:
    """Return the draft of ``workflow`` with ``overrides``; tasks of ``old`` stay unchanged if they can.

    ``ids`` yields the ids of new tasks. ``rescheduled`` are the paths of roles whose tasks need another host.
    ``refused`` are the paths of tasks that have no process because of a port: they keep their hosts, and the
    ports that no agent has refused. ``free`` are tasks of the pool; ``asked`` are the names in ``overrides``
    that this request adds.

    Raises:
        PlanError: if the workflow cannot be placed.
        InvalidRequestError: if this request moves or excludes a role that does not exist, or the auto-stop
            has no duration.
    """
    before = _staying(old, overrides)
    staying = {path: task for path, task in before.items() if path not in {*rescheduled, *refused}}
    anew = {path: task for path, task in before.items() if path in refused}
    plan = make_plan(workflow, inventory, environment, ids.__next__, staying, overrides.move, free, anew)
    excluded, unknown = excluded_tasks(overrides, plan)
    paths = {task.path for task in plan.tasks}
    unknown += [path for path in overrides.move if path not in paths]
    unknown = [name for name in dict.fromkeys(unknown) if name in asked]
    if unknown:
        known = names_in(plan)
        named = ", ".join(f"{each}{did_you_mean(each, known)}" for each in unknown)
        raise InvalidRequestError(f"workflow {name} has neither a role nor a detector {named}")
    check_variables(plan.variables)  # else a later transition fails on a wrong duration
    return PlanDraft(
        environment=environment,
        workflow=name,
        overrides=overrides,
        plan=plan,
        excluded=excluded,
        previous=old,
        claimed=frozenset(task.id for task in plan.tasks) & {task.id for task in free},
        warnings=workflow.warnings,
    )


def ensure_unchanged(then: PlanDraft, now: PlanDraft) -> None:
    """Refuse to apply a draft that can no longer be made the same way.

    Raises:
        PlanError: naming the differences.
    """
    if then.plan == now.plan and then.excluded == now.excluded and then.claimed == now.claimed:
        return
    before = {task.path: task for task in then.plan.tasks}
    moved = [
        _other_source(before.get(task.path), task, then, now) or _difference(before.get(task.path), task)
        for task in now.plan.tasks
    ]
    differences = [text for text in moved if text] or ["its templates or variables have changed"]
    raise PlanError(
        "hosts or the environment have changed since the plan was made; make it again:\n"
        + "\n".join(differences[:10])
    )


def replayed_ids(earlier: PlanDraft | None, new_id: NewId) -> Iterator[TaskId]:
    """Yield the ids that ``earlier`` gave to new tasks, in the same order; then new ids, without end."""
    if earlier:
        known = {task.id for task in earlier.previous.tasks} if earlier.previous else set()
        yield from (task.id for task in earlier.plan.tasks if task.id not in known | earlier.claimed)
    while True:
        yield TaskId(new_id())


def random_id() -> str:
    """Return a new random id."""
    return short_id(secrets.randbits(ID_BITS))


def _staying(old: Plan | None, overrides: Overrides) -> dict[str, PlannedTask]:
    if old is None:
        return {}
    return {
        task.path: task
        for task in old.tasks
        if task.path not in overrides.move or overrides.move[task.path] == task.host
    }


def _other_source(before: PlannedTask | None, task: PlannedTask, then: PlanDraft, now: PlanDraft) -> str:
    """Return how the use of the pool for ``task`` differs between the two drafts; empty if it does not."""
    if before is None or before.id == task.id:
        return ""
    if before.id in then.claimed:
        return f"{task.path}: task {before.id} is no longer in the pool"
    return f"{task.path}: task {task.id} of the pool would be used" if task.id in now.claimed else ""


def _difference(before: PlannedTask | None, now: PlannedTask) -> str:
    if before is None:
        return f"{now.path}: it was not in the plan"
    if before.host != now.host:
        return f"{now.path}: it would go to {now.host}, not to {before.host}"
    if before.ports != now.ports:
        return f"{now.path}: it would get ports {now.ports}, not {before.ports}"
    return "" if before == now else f"{now.path}: its command or properties would differ"
