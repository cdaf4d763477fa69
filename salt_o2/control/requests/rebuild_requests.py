"""Request handlers for running environments that this store does not have: rebuild or end them."""

import asyncio
from typing import Any

from salt_o2.control.environments.service import ActiveEnvironment, Control
from salt_o2.control.requests.arguments import RebuildWanted
from salt_o2.control.requests.handler import Progress, Verbs
from salt_o2.control.requests.transition_requests import outcome
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import POOL, EnvironmentId, HostId, resolve_prefix, some
from salt_o2.core.messages.commands import SurveyRequest
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import replay, snapshot
from salt_o2.core.recovery.reconstruction import AgentTaskRecord, last_run, reconstruct

WHAT = "environment that runs and that this store does not know"


class RebuildRequests:
    """Serves requests after the loss of the store, while tasks still run."""

    def __init__(self, control: Control) -> None:
        """Rebuild environments of ``control``."""
        self._control = control
        self.verbs: Verbs = {"rebuild": (RebuildWanted, self._rebuild)}

    async def _rebuild(self, wanted: RebuildWanted, user: str, _progress: Progress) -> dict[str, Any]:
        control = self._control
        if wanted.id and wanted.all:
            raise InvalidRequestError("say the id of one environment, or all, and not both")
        if wanted.end and not (wanted.id or wanted.all):
            raise InvalidRequestError("say which environment to end by its id, or all; nothing is ended")
        control.store.raise_run_counter(wanted.last_run)
        chosen = self._chosen(wanted.id)
        if wanted.end:
            for environment in chosen:
                control.strays.stop(environment)
            return {"ended": chosen, "rebuilt": [], "unknown": sorted(control.strays.unknown)}
        return await self._all(chosen, user) | {"ended": [], "unknown": sorted(control.strays.unknown)}

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
        unknown = sorted(self._control.strays.unknown)
        there = f"; there is {some(unknown) or 'none'}"
        return [resolve_prefix(wanted, unknown, WHAT, there)] if wanted else unknown

    async def _one(self, environment: EnvironmentId, user: str) -> dict[str, Any]:
        control = self._control
        hosts = sorted(control.strays.unknown[environment])
        answers = await asyncio.gather(*(self._remains(host, environment) for host in hosts))
        remains = [each for answer in answers for each in answer]
        if not remains:
            raise InvalidRequestError(
                f"no host has tasks of {environment} any more: {', '.join(hosts)} were asked"
            )
        control.store.raise_run_counter(last_run(remains))
        if environment == POOL:
            return await self._pool(remains, hosts)
        held = self._adopt(environment, remains, user)
        await control.bus.send([SurveyRequest(host=host) for host in hosts])
        return StalenessView(control).environment_summary(held)

    async def _pool(self, remains: list[AgentTaskRecord], hosts: list[HostId]) -> dict[str, Any]:
        """Rebuild the pool from the records of agents."""
        control, tasks = self._control, reconstruct(remains)[0].tasks
        revisions = {each.task: each.revision for each in remains}
        control.pooling.rebuild([(task, revisions[task.id]) for task in tasks], control.clock())
        control.strays.unknown.pop(POOL, None)
        await control.bus.send([SurveyRequest(host=host) for host in hosts])
        return {"id": POOL, "tasks_total": len(tasks)}

    async def _remains(self, host: HostId, environment: EnvironmentId) -> list[AgentTaskRecord]:
        told = await self._control.bus.ask(host, "records", [environment])
        return [typed({**each, "host": host}, AgentTaskRecord) for each in told if each.get("launch")]

    def _adopt(
        self, environment: EnvironmentId, remains: list[AgentTaskRecord], user: str
    ) -> ActiveEnvironment:
        """Add the environment in its current state. No command is sent."""
        control, at = self._control, self._control.clock()
        plan, known = reconstruct(remains)
        limits = control.limits(plan)
        kept = StoredEnvironment(
            id=environment, created=at, user=user, overrides=Overrides(), plan=plan, snapshot=known
        )
        created = replay.Created(at=at, plan=plan, timeouts=limits, user=user)
        held = control.adopt(kept, snapshot.restore(environment, plan, known, limits), created)
        control.strays.unknown.pop(environment, None)
        return held
