"""Request handlers for environments: plan, create, modify, control, destroy, repeat, list, show."""

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.rescheduling import PORT_TRIES, Rescheduler, refused_paths
from salt_o2.control.environments.service import ActiveEnvironment, Control
from salt_o2.control.planning.concurrent_planning import ConcurrentPlanning, EnvironmentChanged, Resources
from salt_o2.control.planning.draft_cache import DraftCache
from salt_o2.control.planning.draft_variants import (
    departing_tasks,
    destruction_draft,
    modification_of,
    pool_transfer_draft,
)
from salt_o2.control.planning.drafts import (
    PlanDraft,
    ensure_unchanged,
    load_with_overrides,
    make_draft,
    new_id,
    replayed_ids,
)
from salt_o2.control.requests.arguments import Create, Destroy, Many, Modify, One, PlanAhead, Repeat, Steer
from salt_o2.control.requests.handler import Progress, Verbs
from salt_o2.control.requests.transition_requests import find_kept, run_modification, run_transition
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views import environment_view
from salt_o2.control.views.plan_view import plan_record
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError, TaskError, UnknownNameError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.overrides import (
    Overrides,
    OverridesPatch,
    active_detectors,
    apply_patch,
    check_takes_part,
    variable_texts,
)
from salt_o2.core.recovery import replay, snapshot
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.site.settings import Site, timeouts
from salt_o2.site.workflow_index import Purpose
from salt_o2.workflow import Workflow

log = logging.getLogger(__name__)
_E, _S = EnvironmentEvent, EnvironmentState


class EnvironmentRequests:
    """Serves requests for one environment, or for the list of environments."""

    def __init__(self, control: Control, site: Site, threads: RequestThreads | None = None) -> None:
        """Work for ``control`` with the settings of ``site``; load workflows in ``threads``."""
        self._control = control
        self._site = site
        self._threads = threads or RequestThreads()
        self._planning = ConcurrentPlanning(
            control.inventory, control.pooling, control.declarations.settled, self._threads.create
        )
        self._drafts = DraftCache()
        control.reshaping.replacer = Rescheduler(control, site, self._threads, self._planning).reschedule
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
        if bool(wanted.id) == bool(wanted.workflow) or (wanted.destroy and not wanted.id):
            raise InvalidRequestError(
                "say a workflow to create, or the id of an environment to change or destroy"
            )
        if wanted.keep_tasks and not wanted.id:
            raise InvalidRequestError("keep_tasks is for what leaves an environment: say the id of one")
        if wanted.destroy and _says(wanted):
            raise InvalidRequestError(
                f"destroy ends all of environment {wanted.id}: leave out {', '.join(_says(wanted))}"
            )
        bend = _bend(wanted)
        if not wanted.id:
            made = await self._draft_new(
                user, wanted.workflow, apply_patch(Overrides(), bend), asked=bend.named, purpose=Purpose.PLAN
            )
            check_takes_part(made.plan, made.overrides, made.excluded)
            return plan_record(made, self._control.inventory, self._drafts.put(user, made))
        held = self._control.find(wanted.id)
        pool, at = self._control.pooling.pool, self._control.clock()
        if wanted.destroy:
            kept, rest = held.stored, held.environment.model.tasks.transferable()
            end = pool_transfer_draft(kept, rest, pool, at) if wanted.keep_tasks else destruction_draft(kept)
            return plan_record(end, self._control.inventory, "")
        made = await self._draft_change(
            user,
            held,
            apply_patch(held.stored.overrides, bend, held.stored.plan),
            asked=bend.named,
            purpose=Purpose.PLAN,
        )
        check_takes_part(made.plan, made.overrides, _out(held, made))
        if wanted.keep_tasks:
            made = departing_tasks(made, held.environment.model.tasks.transferable(), pool, at)
        return plan_record(made, self._control.inventory, self._drafts.put(user, made), held.environment)

    async def _draft_new(
        self,
        user: str,
        workflow: str,
        shape: Overrides,
        then: PlanDraft | None = None,
        asked: Collection[str] = (),
        purpose: Purpose = Purpose.CREATE,
    ) -> PlanDraft:
        chosen = then.environment if then else EnvironmentId(new_id())
        make = partial(
            make_draft,
            shape=shape,
            name=workflow,
            environment=chosen,
            ids=replayed_ids(then) if then else None,
            asked=asked,
        )
        return await self._drafted(user, make, None, workflow, shape, chosen, asked, purpose)

    async def _draft_change(
        self,
        user: str,
        held: ActiveEnvironment,
        shape: Overrides,
        then: PlanDraft | None = None,
        asked: Collection[str] = (),
        purpose: Purpose = Purpose.CREATE,
    ) -> PlanDraft:
        make = partial(
            make_draft,
            shape=shape,
            name=held.stored.plan.workflow,
            environment=held.stored.id,
            old=held.stored.plan,
            ids=replayed_ids(then) if then else None,
            asked=asked,
        )
        workflow = held.stored.plan.workflow
        return await self._drafted(user, make, held, workflow, shape, held.stored.id, asked, purpose)

    async def _drafted(
        self,
        user: str,
        make: Callable[..., PlanDraft],
        held: ActiveEnvironment | None,
        workflow: str,
        shape: Overrides,
        environment: EnvironmentId,
        asked: Collection[str],
        purpose: Purpose,
    ) -> PlanDraft:
        """Return the draft that ``make`` makes of ``workflow``; ``held`` is the environment that it modifies.

        Threads load workflows and compute templates of tasks. The draft is valid until the caller awaits
        something.
        """
        asked_for = (self._site, workflow, shape, environment, asked, purpose)
        refused = refused_paths(held) if held else set()

        def make_of(loaded: Workflow, resources: Resources) -> PlanDraft:
            return make(loaded, resources.inventory, free=resources.free, refused=refused)

        if purpose is Purpose.PLAN:
            resources = await self._planning.resources()
            return await self._threads.look.run(
                user, lambda: make_of(load_with_overrides(*asked_for), resources)
            )
        before = held.stored if held else None
        loaded = await self._threads.create.run(user, load_with_overrides, *asked_for)
        if held and held.stored is not before:
            raise EnvironmentChanged(held.stored.id)
        stored = partial(self._stored, held.stored.id) if held else None
        return await self._planning.draft(user, partial(make_of, loaded), stored)

    def _stored(self, id: EnvironmentId) -> StoredEnvironment:
        """Return the stored data of an active environment."""
        return self._control.find(id).stored

    # --- create ---------------------------------------------------------------------------------

    async def _create(self, wanted: Create, user: str, progress: Progress) -> dict[str, Any]:
        if wanted.plan:
            _check_nothing_beside(wanted, bool(wanted.workflow))
            then = self._drafts.get(wanted.plan)
            if then.previous:
                raise InvalidRequestError(
                    f"plan {wanted.plan} modifies {then.environment}: apply it by env_modify"
                )
            made = await self._draft_new(user, then.workflow, then.overrides, then)
            ensure_unchanged(then, made)
            check_takes_part(made.plan, made.overrides, made.excluded)
            held = self._adopt(made, user)
            return await self._create_from(held, user, progress, automatic=wanted.auto)
        bend = _bend(wanted)
        shape = apply_patch(Overrides(), bend)
        return await self._create_anew(
            wanted.workflow, shape, user, progress, asked=bend.named, automatic=wanted.auto
        )

    async def _repeat(self, wanted: Repeat, user: str, progress: Progress) -> dict[str, Any]:
        kept = await self._kept(wanted.id, user)
        return await self._create_anew(kept.plan.workflow, kept.overrides, user, progress)

    async def _create_anew(
        self,
        workflow: str,
        shape: Overrides,
        user: str,
        progress: Progress,
        *,
        asked: Collection[str] = (),
        automatic: bool = False,
    ) -> dict[str, Any]:
        """Create an environment; try once more if agents refuse ports, without those ports."""
        for left in reversed(range(PORT_TRIES)):
            made = await self._draft_new(user, workflow, shape, asked=asked)
            check_takes_part(made.plan, made.overrides, made.excluded)
            held = self._adopt(made, user)
            try:
                return await self._create_from(held, user, progress, automatic=automatic)
            except TaskError:
                if not (held.ports_refused and left):
                    raise
                log.warning("environment %s: ports were refused; creating it with others", held.stored.id)
        raise AssertionError("the last try returns or raises")

    def _adopt(self, made: PlanDraft, user: str) -> ActiveEnvironment:
        """Add the environment of ``made``: allocate its resources and start nothing."""
        self._check_detectors(made)
        created = replay.Created(
            at=self._control.clock(),
            plan=made.plan,
            timeouts=timeouts(self._site, made.plan.variables),
            excluded=made.excluded,
            user=user,
            overrides=made.overrides,
            claimed=tuple(sorted(made.claimed)),
            revision=self._control.pooling.revision_of(made.claimed),
        )
        environment = replay.begin(made.environment, created)
        kept = StoredEnvironment(
            id=made.environment,
            created=created.at,
            user=user,
            overrides=made.overrides,
            plan=made.plan,
            snapshot=snapshot.take(environment),
        )
        return self._control.adopt(kept, environment, created)

    async def _create_from(
        self, held: ActiveEnvironment, user: str, progress: Progress, *, automatic: bool = False
    ) -> dict[str, Any]:
        events = (_E.DEPLOY, _E.CONFIGURE, *((_E.START_ACTIVITY,) if automatic else ()))
        return await run_transition(
            self._control, held, events, user, progress, undo=True, automatic=automatic
        )

    def _check_detectors(self, made: PlanDraft) -> None:
        """Refuse a detector that is active in another environment.

        The caller must await nothing between this check and the adoption of the environment.
        """
        wanted = active_detectors(made.plan, made.excluded)
        for name, held in self._control.held.items():
            members = held.environment.model.tasks
            taken = (
                wanted & active_detectors(members.plan, members.excluded)
                if name != made.environment
                else set()
            )
            if taken:
                raise InvalidRequestError(
                    f"detector {', '.join(sorted(taken))} is in use in environment {name} "
                    f"({members.plan.workflow}, {held.environment.model.state}): "
                    "exclude it from one of the two"
                )

    # --- modify ---------------------------------------------------------------------------------

    async def _modify(self, wanted: Modify, user: str, progress: Progress) -> dict[str, Any]:
        then = self._drafts.get(wanted.plan) if wanted.plan else None
        if then:
            _check_nothing_beside(wanted, wanted.id not in ("", then.environment))
        held = self._control.find(wanted.id or (then.environment if then else ""))
        bend = _bend(wanted)
        shape = then.overrides if then else apply_patch(held.stored.overrides, bend, held.stored.plan)
        made = await self._draft_change(user, held, shape, then, bend.named)
        if then:
            ensure_unchanged(then, made)
        check_takes_part(made.plan, made.overrides, _out(held, made))
        self._check_detectors(made)
        keep = wanted.keep_tasks or (then is not None and then.transfers_to_pool)
        at, revision = self._control.clock(), self._control.pooling.revision_of(made.claimed)
        message = modification_of(made, user, at=at, revision=revision, drain_s=wanted.drain_s, keep=keep)
        before = {task.id for task in held.stored.plan.tasks}
        found = await run_modification(self._control, held, message, made.overrides, progress)
        left = [task for task in self._control.pooling.transferred_by(held.stored.id) if task in before]
        return found | ({"kept": left} if keep else {})

    async def _steer(self, wanted: Steer, user: str, progress: Progress) -> dict[str, Any]:
        held = self._control.find(wanted.id)
        if wanted.event is _E.START_ACTIVITY:
            members = held.environment.model.tasks
            check_takes_part(held.stored.plan, held.stored.overrides, {*members.excluded, *members.lost})
        return await run_transition(self._control, held, (wanted.event,), user, progress)

    async def _destroy(self, wanted: Destroy, user: str, progress: Progress) -> dict[str, Any]:
        held = self._control.find(wanted.id)
        steps = events(held, wanted)
        ended = await run_transition(self._control, held, steps, user, progress, keep=wanted.keep_tasks)
        return ended | {"kept": self._control.pooling.transferred_by(held.stored.id)}

    # --- list and show --------------------------------------------------------------------------

    async def _list(self, wanted: Many, user: str, _progress: Progress) -> list[dict[str, Any]]:
        fresh = StalenessView(self._control)
        alive = [fresh.environment_summary(held) for held in self._control.held.values()]
        if not wanted.all:
            return alive
        self._control.store.flush()
        return await self._threads.read.run(user, self._ended) + alive

    def _ended(self) -> list[dict[str, Any]]:
        return [
            environment_view.environment_summary(kept, _rebuilt(kept)) for kept in self._control.store.ended()
        ]

    async def _show(self, wanted: One, user: str, _progress: Progress) -> dict[str, Any]:
        try:
            held = self._control.find(wanted.id)
        except UnknownNameError:
            self._control.store.flush()
            return await self._threads.read.run(user, self._show_kept, wanted.id)
        return StalenessView(self._control).environment_view(held)

    def _show_kept(self, prefix: str) -> dict[str, Any]:
        kept = find_kept(self._control.store, prefix)
        return environment_view.environment_view(kept, _rebuilt(kept))

    async def _kept(self, prefix: str, user: str) -> StoredEnvironment:
        self._control.store.flush()
        return await self._threads.read.run(user, find_kept, self._control.store, prefix)


def _check_nothing_beside(wanted: Create | Modify, other: bool) -> None:
    """Refuse a request that names a plan together with other arguments."""
    if other or _says(wanted):
        raise InvalidRequestError(
            f"plan {wanted.plan} says everything already: leave out what stands beside it"
        )


def _says(wanted: Create | Modify | PlanAhead) -> list[str]:
    """Return the names of the arguments that define the environment."""
    names = ("vars", "scale", "move", "exclude", "include", "allow_all_excluded")
    return [name for name in names if getattr(wanted, name)]


def _out(held: ActiveEnvironment, made: PlanDraft) -> set[TaskId]:
    """Return the tasks excluded from a modified environment, and its lost tasks."""
    return {*made.excluded, *held.environment.model.tasks.lost}


def _bend(wanted: Create | Modify | PlanAhead) -> OverridesPatch:
    return OverridesPatch(
        vars=variable_texts(wanted.vars),
        scale=wanted.scale,
        move={path: HostId(host) for path, host in wanted.move.items()},
        exclude=wanted.exclude,
        include=wanted.include,
        reason=wanted.reason,
        allow_all_excluded=wanted.allow_all_excluded,
    )


def _rebuilt(kept: StoredEnvironment) -> Environment:
    return snapshot.restore(kept.id, kept.plan, kept.snapshot)


def events(held: ActiveEnvironment, wanted: Destroy) -> tuple[EnvironmentEvent, ...]:
    """Return the events that end an environment according to ``wanted``.

    Raises:
        IllegalTransitionError: if it runs, and the request does not allow a stop of the run.
    """
    state = held.environment.model.state
    if wanted.force:
        return (_E.EXIT,) if state in (_S.ERROR, _S.DONE) else (_E.GO_ERROR, _E.EXIT)
    if state is not _S.RUNNING:
        return (_E.EXIT,)
    if not wanted.allow_in_running_state:
        raise IllegalTransitionError(
            f"environment {held.stored.id}", state, "be destroyed", ("STOP_ACTIVITY",)
        )
    return _E.STOP_ACTIVITY, _E.EXIT
