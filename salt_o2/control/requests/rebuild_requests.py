"""Request handlers for running environments that this store does not have: rebuild or end them."""

import asyncio
from collections.abc import Callable
from typing import Any

from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.service import EnvironmentService
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.reports.orphans import OrphanTracker
from salt_o2.control.requests.arguments import Progress, RebuildWanted, Verbs
from salt_o2.control.requests.transition_requests import outcome
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import POOL, EnvironmentId, HostId, resolve_prefix, some
from salt_o2.core.messages.commands import SurveyRequest
from salt_o2.core.recovery.reconstruction import AgentTaskRecord, last_run, reconstruct

WHAT = "running environment that is unknown in this store"


class RebuildRequests:
    """Serves requests after the loss of the store, while tasks still run."""

    def __init__(
        self,
        *,
        environments: EnvironmentService,
        pool: PoolService,
        orphans: OrphanTracker,
        runs: RunStore,
        bus: Bus,
        view_now: ViewNow,
        clock: Callable[[], float],
    ) -> None:
        """Rebuild what ``orphans`` has found from the records of agents, which answer on ``bus``."""
        self._environments = environments
        self._pool = pool
        self._orphans = orphans
        self._runs = runs
        self._bus = bus
        self._view_now = view_now
        self._clock = clock
        self.verbs: Verbs = {"rebuild": (RebuildWanted, self._rebuild)}

    async def _rebuild(self, wanted: RebuildWanted, user: str, _progress: Progress) -> dict[str, Any]:
        if wanted.id and wanted.all:
            raise InvalidRequestError("give the ID of one environment, or all, but not both")
        if wanted.end and not (wanted.id or wanted.all):
            raise InvalidRequestError("give the ID of the environment to destroy, or all; nothing was done")
        self._runs.raise_run_counter(wanted.last_run)
        chosen = self._chosen(wanted.id)
        if wanted.end:
            for environment in chosen:
                self._orphans.stop(environment)
            return {"ended": chosen, "rebuilt": [], "unknown": sorted(self._orphans.unrecognised)}
        return await self._all(chosen, user) | {"ended": [], "unknown": sorted(self._orphans.unrecognised)}

    async def _all(self, chosen: list[EnvironmentId], user: str) -> dict[str, Any]:
        """Rebuild ``chosen``; return the rebuilt ones and, for each other one, the reason of its failure.

        Raises:
            Exception: the reason of the first failure, if none could be rebuilt.
        """
        found: list[dict[str, Any]] = []
        failed: dict[EnvironmentId, Exception] = {}
        for environment in chosen:
            try:
                found.append(await self._one(environment, user))
            except Exception as error:  # one failure must not prevent the rebuild of the next one
                failed[environment] = error
        if failed and not found:
            raise next(iter(failed.values()))
        return {"rebuilt": found, "failed": {name: outcome(error) for name, error in failed.items()}}

    def _chosen(self, wanted: str) -> list[EnvironmentId]:
        """Return the unrecognised environments that match ``wanted``: one by its id, all if it is empty."""
        unrecognised = sorted(self._orphans.unrecognised)
        alternatives = f"; there is {some(unrecognised) or 'none'}"
        return [resolve_prefix(wanted, unrecognised, WHAT, alternatives)] if wanted else unrecognised

    async def _one(self, environment: EnvironmentId, user: str) -> dict[str, Any]:
        hosts = sorted(self._orphans.unrecognised[environment])
        answers = await asyncio.gather(*(self._records(host, environment) for host in hosts))
        records = [each for answer in answers for each in answer]
        if not records:
            raise InvalidRequestError(
                f"no host has tasks of {environment} any more: {', '.join(hosts)} were asked"
            )
        self._runs.raise_run_counter(last_run(records))
        if environment == POOL:
            return await self._rebuild_pool(records, hosts)
        plan, known = reconstruct(records)
        target = self._environments.adopt(environment, plan, known, user)
        await self._adopted(environment, hosts)
        return self._view_now().environment_summary(target)

    async def _rebuild_pool(self, records: list[AgentTaskRecord], hosts: list[HostId]) -> dict[str, Any]:
        """Rebuild the pool from the records of agents."""
        tasks = reconstruct(records)[0].tasks
        revisions = {each.task: each.revision for each in records}
        self._pool.rebuild([(task, revisions[task.id]) for task in tasks], self._clock())
        await self._adopted(POOL, hosts)
        return {"id": POOL, "tasks_total": len(tasks)}

    async def _adopted(self, owner: EnvironmentId, hosts: list[HostId]) -> None:
        """Remove ``owner`` from the unrecognised ones, and request surveys from its ``hosts``."""
        self._orphans.unrecognised.pop(owner, None)
        await self._bus.send([SurveyRequest(host=host) for host in hosts])

    async def _records(self, host: HostId, environment: EnvironmentId) -> list[AgentTaskRecord]:
        answer = await self._bus.ask(host, "records", [environment])
        return [typed({**each, "host": host}, AgentTaskRecord) for each in answer if each.get("launch")]
