"""Where requests are taken: checks the arguments, asks Control, returns plain dicts.

The verbs and their results are the one interface of coconut and of the Salt runner.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from typing import Any

from salt_o2.control import record, shelf
from salt_o2.control.arguments import Create, Destroy, Many, Nothing, One, Steer, StopRuns, Value
from salt_o2.control.control import Control, Held
from salt_o2.control.planning import make_plan
from salt_o2.control.site import Site, timeouts
from salt_o2.control.store import Kept
from salt_o2.core import snapshot
from salt_o2.core.codec import plain, typed
from salt_o2.core.effects import Requested
from salt_o2.core.environment import Environment
from salt_o2.core.errors import IllegalTransition, InvalidRequest, O2Error, UnknownName
from salt_o2.core.ids import EnvironmentId, TaskId, short_id
from salt_o2.core.plan import Plan
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, follow
from salt_o2.workflow import Workflow
from salt_o2.workflow.load import load

Progress = Callable[[dict[str, Any]], None]
ID_BITS = 63
"""Eleven base-58 digits hold 64 bits: ids of environments and tasks are drawn, and do not repeat."""


class Desk:
    """Serves one request after the other, and any number at a time."""

    def __init__(self, control: Control, site: Site) -> None:
        """Take requests to ``control``, with the settings of ``site``."""
        self._control = control
        self._site = site
        self._since = control.clock()
        self._verbs: dict[str, tuple[type[Any], Callable[..., Awaitable[Any]]]] = {
            "env_create": (Create, self._create),
            "env_control": (Steer, self._steer),
            "env_destroy": (Destroy, self._destroy),
            "env_list": (Many, self._list),
            "env_show": (One, self._show),
            "task_list": (Nothing, self._tasks),
            "host_list": (Nothing, self._hosts),
            "workflow_list": (Nothing, self._workflows),
            "run_stop": (StopRuns, self._stop_runs),
            "info": (Nothing, self._info),
        }

    async def serve(self, verb: str, arguments: Mapping[str, Any], user: str, progress: Progress) -> Any:
        """Return the result of ``verb``; ``progress`` is called as it goes on.

        Raises:
            InvalidRequest: if there is no such verb, or its arguments do not fit.
            O2Error: if it was refused or failed.
        """
        if verb not in self._verbs:
            raise InvalidRequest(f"control has no verb {verb!r}; it has {', '.join(self._verbs)}")
        kind, method = self._verbs[verb]
        unknown = set(arguments) - set(kind.__dataclass_fields__)
        if unknown:
            known = ", ".join(kind.__dataclass_fields__) or "none"
            raise InvalidRequest(f"{verb} has no argument {', '.join(sorted(unknown))}; it has {known}")
        return await method(typed(dict(arguments), kind), user, progress)

    async def _create(self, wanted: Create, user: str, progress: Progress) -> dict[str, Any]:
        variables = {name: _text(value) for name, value in wanted.vars.items()}
        plan, id = await self._plan(wanted.workflow, variables)
        limits = timeouts(self._site, plan.variables)
        environment = Environment(id, plan, limits)
        kept = Kept(
            id=id,
            created=self._control.clock(),
            user=user,
            asked=variables,
            plan=plan,
            snapshot=snapshot.take(environment),
        )
        held = self._control.adopt(kept, limits)
        events = (EnvironmentEvent.DEPLOY, EnvironmentEvent.CONFIGURE)
        return await self._ask(held, events, user, progress, undo=True)

    async def _plan(self, workflow: str, variables: dict[str, str]) -> tuple[Plan, EnvironmentId]:
        loaded = await asyncio.to_thread(self._load, workflow, variables)
        id = EnvironmentId(_draw())
        return make_plan(loaded, self._control.inventory, id, lambda: TaskId(_draw())), id

    def _load(self, workflow: str, variables: dict[str, str]) -> Workflow:
        site = self._site
        return load(
            shelf.find(site.repositories, workflow),
            workflow,
            variables=variables,
            site_defaults=site.defaults,
            site_vars=site.vars,
        )

    async def _steer(self, wanted: Steer, user: str, progress: Progress) -> dict[str, Any]:
        held = self._control.find(wanted.id)
        return await self._ask(held, (wanted.event,), user, progress)

    async def _destroy(self, wanted: Destroy, user: str, progress: Progress) -> dict[str, Any]:
        held = self._control.find(wanted.id)
        running = held.environment.state is EnvironmentState.RUNNING
        if wanted.force:
            ended = (EnvironmentState.ERROR, EnvironmentState.DONE)
            first = () if held.environment.state in ended else (EnvironmentEvent.GO_ERROR,)
        elif running and not wanted.allow_in_running_state:
            raise IllegalTransition(
                f"environment {held.kept.id}", "RUNNING", "be destroyed", ("STOP_ACTIVITY",)
            )
        else:
            first = (EnvironmentEvent.STOP_ACTIVITY,) if running else ()
        return await self._ask(held, (*first, EnvironmentEvent.EXIT), user, progress)

    async def _ask(
        self,
        held: Held,
        events: tuple[EnvironmentEvent, ...],
        user: str,
        progress: Progress,
        *,
        undo: bool = False,
        reason: str = "",
    ) -> dict[str, Any]:
        control, environment = self._control, held.environment
        follow(environment.state, events[0], f"environment {environment.id}")
        number = None
        if EnvironmentEvent.START_ACTIVITY in events and environment.transition is None:
            number = control.store.open_run(environment.id, control.clock())

        def watch(watched: Environment) -> None:
            progress(record.progress(watched, control.clock()))

        held.watchers.append(watch)
        try:
            await control.ask(
                held,
                Requested(
                    at=control.clock(),
                    request=_draw(),
                    events=events,
                    user=user,
                    run_number=number,
                    undo=undo,
                    reason=reason,
                ),
            )
        finally:
            held.watchers.remove(watch)
        return record.full(held.kept, environment)

    async def _list(self, wanted: Many, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        alive = [record.summary(held.kept, held.environment) for held in self._control.held.values()]
        if not wanted.all:
            return alive
        ended = await asyncio.to_thread(self._control.store.ended)
        return [record.summary(kept, _rebuilt(kept)) for kept in ended] + alive

    async def _show(self, wanted: One, _user: str, _progress: Progress) -> dict[str, Any]:
        try:
            held = self._control.find(wanted.id)
        except UnknownName:
            kept = self._control.store.find(EnvironmentId(wanted.id))
            if kept is None:
                raise
            return record.full(kept, _rebuilt(kept))
        return record.full(held.kept, held.environment)

    async def _tasks(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        return [
            record.task(planned, held.environment.members.reports.get(planned.id))
            | {"environment": held.kept.id}
            for held in self._control.held.values()
            for planned in held.kept.plan.tasks
        ]

    async def _hosts(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        return record.hosts(self._control.hosts, self._control.held, self._control.clock())

    async def _workflows(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        return await asyncio.to_thread(shelf.catalogue, self._site.repositories)

    async def _stop_runs(self, wanted: StopRuns, user: str, progress: Progress) -> list[dict[str, Any]]:
        running = [h for h in self._control.held.values() if h.environment.state is EnvironmentState.RUNNING]
        stop = (EnvironmentEvent.STOP_ACTIVITY,)
        asked = [self._ask(held, stop, user, progress, reason=wanted.reason) for held in running]
        results = await asyncio.gather(*asked, return_exceptions=True)
        failed = [error for error in results if isinstance(error, BaseException)]
        if failed:
            raise O2Error("\n".join(str(error) for error in failed)) from failed[0]
        return [record.summary(held.kept, held.environment) for held in running]

    async def _info(self, _wanted: Nothing, _user: str, _progress: Progress) -> dict[str, Any]:
        held = self._control.held.values()
        return {
            "version": version("salt-o2"),
            "pid": os.getpid(),
            "uptime_s": round(self._control.clock() - self._since, 1),
            "environments": len(held),
            "tasks": sum(len(each.environment.members.tasks) for each in held),
            "hosts": len(self._control.hosts.known),
            "settings": plain(self._site),
        }


def _rebuilt(kept: Kept) -> Environment:
    return snapshot.restore(kept.id, kept.plan, kept.snapshot)


def _draw() -> str:
    return short_id(secrets.randbits(ID_BITS))


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
