"""Restore the environments of an earlier control process, and resume what its end interrupted."""

from collections.abc import Callable

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.modifications import Modifications
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment, StoredInterruption
from salt_o2.core.messages.effects import Interruption
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.replay import Restarted


class Restoration:
    """Restores active environments when control starts."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        modifications: Modifications,
        store: Store,
        runs: RunStore,
        inventory: Inventory,
        timeouts_of: Callable[[Plan], Timeouts],
        clock: Callable[[], float],
    ) -> None:
        """Restore the environments of ``store`` to ``active``."""
        self._active = active
        self._executor = executor
        self._modifications = modifications
        self._store = store
        self._runs = runs
        self._inventory = inventory
        self._timeouts_of = timeouts_of
        self._clock = clock
        self._interrupted: list[tuple[ActiveEnvironment, Requested | Modified]] = []

    def restore(self) -> None:
        """Add all environments of the store that have not ended. No command is sent.

        An environment that cannot be restored is omitted and reported; the others are restored.
        """
        for stored in self._store.active():
            try:
                self._restore(stored)
            except Exception as error:  # one bad environment must not prevent the restoration of the next
                self._store.leave_out(
                    f"environment {stored.id} cannot be restored: {error!r}; its tasks continue"
                )

    def _restore(self, stored: StoredEnvironment) -> None:
        limits, at = self._timeouts_of(stored.plan), self._clock()
        environment = snapshot.restore(stored.id, stored.plan, stored.snapshot, limits)
        run = environment.model.run.number
        if run is not None:
            lasting = (_interruption(each) for each in self._runs.open_interruptions(run))
            environment.model.incidents.restore_interruptions(lasting)
        request = snapshot.resume(stored.snapshot, stored.plan, at)
        target = self._active[stored.id] = ActiveEnvironment(stored, environment)
        self._inventory.allocate_tasks(stored.id, environment.model.tasks.tasks.values())
        self._modifications.record_failed_joins_later(target)
        self._store.append(stored.id, Restarted(at=at))
        if request:
            self._interrupted.append((target, request))

    def resume(self) -> None:
        """Resume interrupted transitions and modifications, and set the timers of all environments."""
        apart = Apart("the resumption of transitions after a restart of control")
        for target, request in self._interrupted:
            with apart:
                self._executor.step(target, request)
        self._interrupted.clear()
        for target in tuple(self._active.values()):
            self._executor.set_timer(target)


def _interruption(stored: StoredInterruption) -> Interruption:
    return Interruption(
        since=stored.since,
        path=stored.path,
        task=stored.task,
        class_name=stored.class_name,
        host=stored.host,
        reason=stored.reason,
        excluded=stored.excluded,
    )
