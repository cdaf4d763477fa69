"""Add environments, accept requests for them, and restart their failed tasks."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.control.storage.journal import journal_insert
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.effects import Effect
from salt_o2.core.messages.inputs import RecoverTask, Requested
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import active_detectors
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery import replay, snapshot
from salt_o2.core.recovery.replay import Created
from salt_o2.core.states import EnvironmentEvent as _E

ENDING_EVENTS = frozenset({_E.STOP_ACTIVITY, _E.RESET, _E.EXIT, _E.GO_ERROR})
"""Events that control accepts although it cannot persist them: they start nothing."""
CREATION = (_E.DEPLOY, _E.CONFIGURE)
"""The events that a creation begins with."""


class EnvironmentService:
    """The operations on active environments that requests and the recovery share."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        store: Store,
        inventory: Inventory,
        pool: PoolService,
        waiters: RequestWaiters,
        timeouts_of: Callable[[Plan], Timeouts],
        clock: Callable[[], float],
    ) -> None:
        """Add environments to ``active``; ``timeouts_of`` returns the limits of a plan's transitions."""
        self._active = active
        self._executor = executor
        self._store = store
        self._inventory = inventory
        self._pool = pool
        self._waiters = waiters
        self._timeouts_of = timeouts_of
        self._clock = clock

    def create(self, draft: PlanDraft, user: str) -> ActiveEnvironment:
        """Add the environment of ``draft``: allocate its resources and persist it, but start nothing.

        Raises:
            InvalidRequestError: if one of its detectors is active in another environment.
            StorageError: if it cannot be persisted; nothing has changed then.
            PlanError: if a claimed task is no longer in the pool.
        """
        self.ensure_detectors_free(draft)
        created = Created(
            at=self._clock(),
            plan=draft.plan,
            timeouts=self._timeouts_of(draft.plan),
            excluded=draft.excluded,
            user=user,
            overrides=draft.overrides,
            claimed=tuple(sorted(draft.claimed)),
            revision=self._pool.revision_of(draft.claimed),
        )
        environment = replay.begin(draft.environment, created)
        # The request follows in a transaction of its own. If control is killed between the two, the next
        # control resumes the creation.
        known = replace(snapshot.capture(environment), pending=CREATION, undo=True, asked_by=user)
        return self._adopt(draft.environment, environment, created, known)

    def adopt(self, id: EnvironmentId, plan: Plan, known: snapshot.Snapshot, user: str) -> ActiveEnvironment:
        """Add a running environment that this store does not have, in its state ``known``. Start nothing.

        Raises:
            StorageError: if it cannot be persisted; nothing has changed then.
        """
        created = Created(at=self._clock(), plan=plan, timeouts=self._timeouts_of(plan), user=user)
        return self._adopt(id, snapshot.restore(id, plan, known, created.timeouts), created, known)

    def _adopt(
        self,
        id: EnvironmentId,
        environment: Environment,
        created: Created,
        known: snapshot.Snapshot,
    ) -> ActiveEnvironment:
        """Add ``environment``, which owns the tasks that it claims from the pool from now on."""
        stored = StoredEnvironment(
            id=id,
            created=created.at,
            user=created.user,
            overrides=created.overrides,
            plan=created.plan,
            snapshot=known,
        )
        target = ActiveEnvironment(stored, environment)
        claims = self._pool.claim_statements(created.claimed, created.at)
        self._store.add(stored, journal_insert(id, created), *claims)
        self._pool.claim(created.claimed)
        self._inventory.allocate(id, created.plan)
        self._active[id] = target
        return target

    def ensure_detectors_free(self, draft: PlanDraft) -> None:
        """Ensure that no other environment uses a detector that is active in ``draft``.

        The caller must await nothing between this check and the use of the draft.

        Raises:
            InvalidRequestError: if another environment uses one.
        """
        wanted = active_detectors(draft.plan, draft.excluded)
        for name, target in self._active.items():
            if name == draft.environment:
                continue
            members = target.environment.model.tasks
            if used := wanted & active_detectors(members.plan, members.excluded):
                raise InvalidRequestError(
                    f"detector {', '.join(sorted(used))} is in use in environment {name} "
                    f"({members.plan.workflow}, {target.environment.model.state}): "
                    "exclude it from one of the two"
                )

    async def request(self, target: ActiveEnvironment, request: Requested) -> None:
        """Request a transition of an environment and wait until it ends.

        Raises:
            IllegalTransitionError: if the state of the environment does not allow it.
            StorageError: if it could not be persisted; events that end an environment are carried out anyway.
            TaskError: if the transition began and failed.
        """
        if not set(request.events) <= ENDING_EVENTS:
            self._store.ensure_writable()
        await self._waiters.wait(request.request, lambda: self._executor.step(target, request))

    def recover(
        self, target: ActiveEnvironment, task: TaskId, user: str, *, manually: bool
    ) -> Sequence[Effect]:
        """Restart a failed task now; return the effects.

        No effect is returned if the task is healthy or is being restarted already.
        """
        wanted = RecoverTask(at=self._clock(), task=task, user=user, manual=manually)
        return self._executor.step(target, wanted)
