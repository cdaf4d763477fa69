"""Request handlers for environments: plan, create, modify, control, destroy, repeat, list, show."""

import logging
from collections.abc import Callable, Collection
from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.rescheduling import PORT_TRIES
from salt_o2.control.environments.service import EnvironmentService
from salt_o2.control.planning.draft_cache import DraftCache
from salt_o2.control.planning.draft_variants import (
    departing_tasks,
    destruction_draft,
    modification_of,
    pool_transfer_draft,
)
from salt_o2.control.planning.drafts import NewId, PlanDraft, ensure_unchanged
from salt_o2.control.planning.environment_planner import EnvironmentPlanner
from salt_o2.control.requests.arguments import (
    Create,
    Destroy,
    Many,
    Modify,
    One,
    PlanAhead,
    Progress,
    Repeat,
    Steer,
    Verbs,
)
from salt_o2.control.requests.transition_requests import TransitionRequests
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views import environment_view
from salt_o2.control.views.plan_view import plan_record
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError, TaskError, UnknownNameError
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import (
    Overrides,
    OverridesPatch,
    apply_patch,
    check_takes_part,
    variable_texts,
)
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.site.workflow_index import Purpose

log = logging.getLogger(__name__)
_E, _S = EnvironmentEvent, EnvironmentState


class EnvironmentRequests:
    """Serves requests for one environment, or for the list of environments."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        environments: EnvironmentService,
        planner: EnvironmentPlanner,
        transitions: TransitionRequests,
        pool: PoolService,
        inventory: Inventory,
        store: Store,
        threads: RequestThreads,
        view_now: ViewNow,
        clock: Callable[[], float],
        new_id: NewId,
    ) -> None:
        """Serve requests for the environments in ``active`` and ``store``; read the store in ``threads``."""
        self._active = active
        self._environments = environments
        self._planner = planner
        self._transitions = transitions
        self._pool = pool
        self._inventory = inventory
        self._store = store
        self._threads = threads
        self._view_now = view_now
        self._clock = clock
        self._new_id = new_id
        self._drafts = DraftCache(new_id)
        self.verbs: Verbs = {
            "env_plan": (PlanAhead, self._plan_ahead),
            "env_create": (Create, self._create),
            "env_modify": (Modify, self._modify),
            "env_control": (Steer, self._steer),
            "env_destroy": (Destroy, self._destroy),
            "env_repeat": (Repeat, self._repeat),
            "env_list": (Many, self._list),
            "env_show": (One, self._show),
        }

    # --- plans ----------------------------------------------------------------------------------

    async def _plan_ahead(self, wanted: PlanAhead, user: str, _progress: Progress) -> dict[str, Any]:
        _check_plan_request(wanted)
        if not wanted.id:
            return await self._plan_creation(wanted, user)
        target = self._active.find(wanted.id)
        if wanted.destroy:
            return plan_record(self._destruction(target, wanted.keep_tasks), self._inventory, "")
        return await self._plan_modification(target, wanted, user)

    async def _plan_creation(self, wanted: PlanAhead, user: str) -> dict[str, Any]:
        patch = _patch_of(wanted)
        draft = await self._planner.plan_new(
            user,
            wanted.workflow,
            apply_patch(Overrides(), patch),
            asked=patch.named,
            purpose=Purpose.PLAN,
        )
        check_takes_part(draft.plan, draft.overrides, draft.excluded)
        return plan_record(draft, self._inventory, self._drafts.put(user, draft))

    def _destruction(self, target: ActiveEnvironment, keep_tasks: bool) -> PlanDraft:
        if not keep_tasks:
            return destruction_draft(target.stored)
        transferable = target.environment.model.tasks.transferable()
        return pool_transfer_draft(target.stored, transferable, self._pool.pool, self._clock())

    async def _plan_modification(
        self, target: ActiveEnvironment, wanted: PlanAhead, user: str
    ) -> dict[str, Any]:
        patch, at = _patch_of(wanted), self._clock()
        overrides = apply_patch(target.stored.overrides, patch, target.stored.plan)
        draft = await self._planner.plan_change(
            user, target.stored, target.environment, overrides, asked=patch.named, purpose=Purpose.PLAN
        )
        check_takes_part(draft.plan, draft.overrides, _excluded_or_lost(target, draft))
        if wanted.keep_tasks:
            transferable = target.environment.model.tasks.transferable()
            draft = departing_tasks(draft, transferable, self._pool.pool, at)
        return plan_record(draft, self._inventory, self._drafts.put(user, draft), target.environment)

    # --- create ---------------------------------------------------------------------------------

    async def _create(self, wanted: Create, user: str, progress: Progress) -> dict[str, Any]:
        if wanted.plan:
            return await self._create_from_plan(wanted, user, progress)
        patch = _patch_of(wanted)
        overrides = apply_patch(Overrides(), patch)
        return await self._create_anew(
            wanted.workflow, overrides, user, progress, asked=patch.named, automatic=wanted.auto
        )

    async def _create_from_plan(self, wanted: Create, user: str, progress: Progress) -> dict[str, Any]:
        _check_nothing_beside(wanted, bool(wanted.workflow))
        earlier = self._drafts.get(wanted.plan)
        if earlier.previous:
            raise InvalidRequestError(
                f"plan {wanted.plan} modifies {earlier.environment}: apply it with env_modify"
            )
        draft = await self._planner.plan_new(user, earlier.workflow, earlier.overrides, earlier=earlier)
        ensure_unchanged(earlier, draft)
        check_takes_part(draft.plan, draft.overrides, draft.excluded)
        target = self._environments.create(draft, user)
        record = await self._start(target, user, progress, automatic=wanted.auto)
        return _with_warnings(record, draft)

    async def _repeat(self, wanted: Repeat, user: str, progress: Progress) -> dict[str, Any]:
        self._store.flush()
        stored = await self._threads.read.run(user, self._store.find_by_prefix, wanted.id)
        return await self._create_anew(stored.plan.workflow, stored.overrides, user, progress)

    async def _create_anew(
        self,
        workflow: str,
        overrides: Overrides,
        user: str,
        progress: Progress,
        *,
        asked: Collection[str] = (),
        automatic: bool = False,
    ) -> dict[str, Any]:
        """Create an environment; try once more if agents refuse ports, without those ports."""
        for tries_left in reversed(range(PORT_TRIES)):
            draft = await self._planner.plan_new(user, workflow, overrides, asked=asked)
            check_takes_part(draft.plan, draft.overrides, draft.excluded)
            target = self._environments.create(draft, user)
            try:
                record = await self._start(target, user, progress, automatic=automatic)
                return _with_warnings(record, draft)
            except TaskError:
                if not (target.ports_refused and tries_left):
                    raise
                log.warning("environment %s: ports were refused; creating it with others", target.stored.id)
        raise AssertionError("the last try returns or raises")

    async def _start(
        self, target: ActiveEnvironment, user: str, progress: Progress, *, automatic: bool
    ) -> dict[str, Any]:
        events = (_E.DEPLOY, _E.CONFIGURE, *((_E.START_ACTIVITY,) if automatic else ()))
        return await self._transitions.run(target, events, user, progress, undo=True, automatic=automatic)

    # --- modify ---------------------------------------------------------------------------------

    async def _modify(self, wanted: Modify, user: str, progress: Progress) -> dict[str, Any]:
        earlier = self._drafts.get(wanted.plan) if wanted.plan else None
        if earlier:
            _check_nothing_beside(wanted, wanted.id not in ("", earlier.environment))
        target = self._active.find(wanted.id or (earlier.environment if earlier else ""))
        draft = await self._draft_modification(target, wanted, user, earlier)
        keep = wanted.keep_tasks or (earlier is not None and earlier.transfers_to_pool)
        message = modification_of(
            draft,
            user,
            request=self._new_id(),
            at=self._clock(),
            revision=self._pool.revision_of(draft.claimed),
            drain_s=wanted.drain_s,
            keep=keep,
        )
        before = {task.id for task in target.stored.plan.tasks}
        record = await self._transitions.modify(target, message, draft.overrides, progress)
        transferred = [task for task in self._pool.transferred_by(target.stored.id) if task in before]
        return _with_warnings(record, draft) | ({"kept": transferred} if keep else {})

    async def _draft_modification(
        self, target: ActiveEnvironment, wanted: Modify, user: str, earlier: PlanDraft | None
    ) -> PlanDraft:
        """Return a draft that can be applied; the caller must apply it before it awaits anything."""
        patch, stored = _patch_of(wanted), target.stored
        overrides = earlier.overrides if earlier else apply_patch(stored.overrides, patch, stored.plan)
        draft = await self._planner.plan_change(
            user, stored, target.environment, overrides, earlier=earlier, asked=patch.named
        )
        if earlier:
            ensure_unchanged(earlier, draft)
        check_takes_part(draft.plan, draft.overrides, _excluded_or_lost(target, draft))
        self._environments.ensure_detectors_free(draft)
        return draft

    async def _steer(self, wanted: Steer, user: str, progress: Progress) -> dict[str, Any]:
        target = self._active.find(wanted.id)
        if wanted.event is _E.START_ACTIVITY:
            members = target.environment.model.tasks
            check_takes_part(target.stored.plan, target.stored.overrides, {*members.excluded, *members.lost})
        return await self._transitions.run(target, (wanted.event,), user, progress)

    async def _destroy(self, wanted: Destroy, user: str, progress: Progress) -> dict[str, Any]:
        target = self._active.find(wanted.id)
        events = ending_events(target, wanted)
        record = await self._transitions.run(target, events, user, progress, keep=wanted.keep_tasks)
        return record | {"kept": self._pool.transferred_by(target.stored.id)}

    # --- list and show --------------------------------------------------------------------------

    async def _list(self, wanted: Many, user: str, _progress: Progress) -> list[dict[str, Any]]:
        view = self._view_now()
        active = [view.environment_summary(target) for target in self._active.values()]
        if not wanted.all:
            return active
        self._store.flush()
        return await self._threads.read.run(user, self._ended) + active

    def _ended(self) -> list[dict[str, Any]]:
        return [
            environment_view.environment_summary(stored, _restored(stored)) for stored in self._store.ended()
        ]

    async def _show(self, wanted: One, user: str, _progress: Progress) -> dict[str, Any]:
        try:
            target = self._active.find(wanted.id)
        except UnknownNameError:
            self._store.flush()
            return await self._threads.read.run(user, self._show_stored, wanted.id)
        return self._view_now().environment_view(target)

    def _show_stored(self, prefix: str) -> dict[str, Any]:
        stored = self._store.find_by_prefix(prefix)
        return environment_view.environment_view(stored, _restored(stored))


def _check_plan_request(wanted: PlanAhead) -> None:
    """Refuse a request for a plan that contradicts itself."""
    if bool(wanted.id) == bool(wanted.workflow) or (wanted.destroy and not wanted.id):
        raise InvalidRequestError(
            "give a workflow to create, or the ID of an environment to change or destroy"
        )
    if wanted.keep_tasks and not wanted.id:
        raise InvalidRequestError("keep_tasks needs the ID of an environment")
    if wanted.destroy and _named_changes(wanted):
        raise InvalidRequestError(
            f"destroy stops all tasks of environment {wanted.id}: remove {', '.join(_named_changes(wanted))}"
        )


def _check_nothing_beside(wanted: Create | Modify, other: bool) -> None:
    """Refuse a request that names a plan together with other arguments."""
    if other or _named_changes(wanted):
        raise InvalidRequestError(
            f"plan {wanted.plan} already contains every change: remove the other arguments"
        )


def _named_changes(wanted: Create | Modify | PlanAhead) -> list[str]:
    """Return the names of the arguments that define the environment."""
    names = ("vars", "scale", "move", "exclude", "include", "allow_all_excluded")
    return [name for name in names if getattr(wanted, name)]


def _excluded_or_lost(target: ActiveEnvironment, draft: PlanDraft) -> set[TaskId]:
    """Return the tasks excluded from a modified environment, and its lost tasks."""
    return {*draft.excluded, *target.environment.model.tasks.lost}


def _patch_of(wanted: Create | Modify | PlanAhead) -> OverridesPatch:
    return OverridesPatch(
        vars=variable_texts(wanted.vars),
        scale=wanted.scale,
        move={path: HostId(host) for path, host in wanted.move.items()},
        exclude=wanted.exclude,
        include=wanted.include,
        reason=wanted.reason,
        allow_all_excluded=wanted.allow_all_excluded,
    )


def _with_warnings(record: dict[str, Any], draft: PlanDraft) -> dict[str, Any]:
    """Return ``record`` with the warnings of ``draft`` before those of the transition."""
    return record | {"warnings": [*draft.warnings, *record["warnings"]]}


def _restored(stored: StoredEnvironment) -> Environment:
    return snapshot.restore(stored.id, stored.plan, stored.snapshot)


def ending_events(target: ActiveEnvironment, wanted: Destroy) -> tuple[EnvironmentEvent, ...]:
    """Return the events that end an environment according to ``wanted``.

    Raises:
        IllegalTransitionError: if it runs, and the request does not allow a stop of the run.
    """
    state = target.environment.model.state
    if wanted.force:
        return (_E.EXIT,) if state in (_S.ERROR, _S.DONE) else (_E.GO_ERROR, _E.EXIT)
    if state is not _S.RUNNING:
        return (_E.EXIT,)
    if not wanted.allow_in_running_state:
        raise IllegalTransitionError(
            f"environment {target.stored.id}", state, "be destroyed", ("STOP_ACTIVITY",)
        )
    return _E.STOP_ACTIVITY, _E.EXIT
