"""Inform environments of silent and lost hosts, and say which tasks a host may run."""

from collections.abc import Callable

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.reports.renamed_hosts import RenamedHosts
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.inputs import HostLost, HostSilent
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.recovery.host_liveness import tasks_to_probe


class HostEvents:
    """Steps the environments that have tasks on a host; implements ``HostObserver``."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        pool: PoolService,
        renamed: RenamedHosts,
        clock: Callable[[], float],
    ) -> None:
        """Step environments of ``active`` by ``executor``."""
        self._active = active
        self._executor = executor
        self._pool = pool
        self._renamed = renamed
        self._clock = clock

    def tasks_on(self, host: HostId) -> list[PlannedTask]:
        """Return the tasks that may have a process on ``host``, of environments and of the pool."""
        return tasks_to_probe(self._active.environments().values(), host) + self._pool.tasks_on(host)

    def settle_rename(self, host: HostId) -> bool:
        """Return whether the machine of ``host`` reports under another name; move its tasks if so."""
        return self._renamed.settle(host)

    def environments_on(self, host: HostId) -> tuple[EnvironmentId, ...]:
        """Return the environments that have a task planned on ``host``."""
        return self._active.ids_on_host(host)

    def host_silent(self, host: HostId, reason: str) -> None:
        """Inform each environment on ``host`` that its agent is silent.

        Raises:
            Exception: the error of the first environment whose step failed; all are stepped.
        """
        apart = Apart(f"the information that {host} is silent")
        for target in self._active.on_host(host):
            with apart:
                self._executor.step(target, HostSilent(at=self._clock(), host=host, reason=reason))
        apart.raise_first()

    def host_lost(self, host: HostId, silent_s: float) -> None:
        """Inform each environment on ``host`` that the host is lost.

        Raises:
            Exception: the error of the first environment whose step failed; all are stepped.
        """
        apart = Apart(f"the information that {host} is lost")
        for target in self._active.on_host(host):
            with apart:
                self._executor.step(target, HostLost(at=self._clock(), host=host, silent_s=silent_s))
        apart.raise_first()
