"""Request handlers for tasks and their output, workflows, and control itself."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.service import ActiveEnvironment, Control
from salt_o2.control.requests.arguments import Nothing, Recover, TaskLog
from salt_o2.control.requests.handler import Progress, Verbs
from salt_o2.control.views.settings_view import settings_view
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.ids import resolve_prefix
from salt_o2.core.messages.effects import Effect, Reschedule, SendCommand
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.url_masking import without_passwords
from salt_o2.site import workflow_index
from salt_o2.site.settings import Site


class TaskRequests:
    """Serves requests that concern tasks and the whole system."""

    def __init__(self, control: Control, site: Site, threads: RequestThreads | None = None) -> None:
        """Work for ``control`` with the settings of ``site``; read its repositories in ``threads``."""
        self._control = control
        self._site = site
        self._threads = threads or RequestThreads()
        self._voices = TaskLogRequests(control)
        self._since = control.clock()
        self.verbs: Verbs = {
            "task_list": (Nothing, self._tasks),
            "task_log": (TaskLog, self._log),
            "task_recover": (Recover, self._recover),
            "workflow_list": (Nothing, self._workflows),
            "info": (Nothing, self._info),
        }

    async def _tasks(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        fresh = StalenessView(self._control)
        return [
            fresh.task(planned, members.reports.get(planned.id)) | {"environment": held.stored.id}
            for held in self._control.held.values()
            for members in [held.environment.model.tasks]
            for planned in members.plan.tasks
        ]

    async def _recover(self, wanted: Recover, user: str, _progress: Progress) -> dict[str, Any]:
        held, task = self._find(wanted.task, wanted.environment)
        effects = self._control.recover(held, task.id, user, by_hand=not wanted.by_rule)
        report = held.environment.model.tasks.reports.get(task.id)
        told = {"environment": held.stored.id, "outcome": _outcome(held, task, effects)}
        return StalenessView(self._control).task(task, report) | told

    def _find(self, wanted: str, environment: str = "") -> tuple[ActiveEnvironment, PlannedTask]:
        """Return the active task whose id is or uniquely begins with ``wanted``.

        A whole id costs one lookup in each environment, a prefix a comparison with every task.
        """
        among = [self._control.find(environment)] if environment else list(self._control.held.values())
        whole = [held for held in among if wanted in held.environment.model.tasks.tasks]
        ids = [id for held in whole or among for id in held.environment.model.tasks.tasks]
        chosen = resolve_prefix(wanted, ids, "living task", "; ask for an ended one on its host, by o2.log")
        held = next(held for held in among if chosen in held.environment.model.tasks.tasks)
        return held, held.environment.model.tasks.tasks[chosen]

    async def _log(self, wanted: TaskLog, _user: str, _progress: Progress) -> dict[str, Any]:
        _, task = self._find(wanted.id)
        return await self._voices.hear(task, wanted)

    async def _workflows(self, _wanted: Nothing, user: str, _progress: Progress) -> list[dict[str, Any]]:
        return await self._threads.catalogue.run(
            user, workflow_index.catalogue, self._site.repositories, self._site.vars
        )

    async def _info(self, _wanted: Nothing, _user: str, _progress: Progress) -> dict[str, Any]:
        held = self._control.held.values()
        return {
            "version": version("salt-o2"),
            "pid": os.getpid(),
            "uptime_s": round(self._control.clock() - self._since, 1),
            "environments": len(held),
            "tasks": sum(len(each.environment.model.tasks.tasks) for each in held),
            "hosts": len(self._control.hosts.known),
            "faults": [
                f"host {name}: {fault}"
                for name, host in sorted(self._control.hosts.known.items())
                for fault in host.faults
            ],
            "unused": without_passwords(self._control.faults),
            "settings": settings_view(self._site),
        }


def _outcome(held: ActiveEnvironment, task: PlannedTask, effects: Sequence[Effect]) -> str:
    """Return the outcome of the request to restart ``task``."""
    environment = held.environment
    report = environment.model.tasks.reports.get(task.id)
    if any(isinstance(effect, SendCommand) for effect in effects):
        return "it is started again"
    if any(isinstance(effect, Reschedule) for effect in effects):
        return "another program has one of its ports: it gets others, and is started then"
    if task.id in environment.model.restarts.pending:
        return "it is left alone: it is being brought back already"
    if report is None or report.failure is None:
        return "it is left alone: it has not failed"
    doing = environment.model.active.event if environment.model.active else environment.model.state
    return f"it is left alone: its environment is in {doing}, or its role's recovery says otherwise"


LONGEST_S = 30.0
"""Seconds that control waits for new output at most; the client then repeats its request."""
MOST_WAITING = 32
"""Waiting requests at most: each occupies a request here and on its host."""


class TaskLogRequests:
    """Requests the output of tasks from agents."""

    def __init__(self, control: Control) -> None:
        """Use the bus of ``control``."""
        self._control = control
        self._waiting = 0

    async def hear(self, task: PlannedTask, wanted: TaskLog) -> dict[str, Any]:
        """Return the output of ``task``: ``stdout``, ``stderr``, the end positions ``at``, and ``over``.

        ``over`` says whether the task has ended.

        Raises:
            InvalidRequestError: if ``wait_s`` is above ``LONGEST_S``, or too many requests wait already.
            UnreachableError: if the host does not answer.
        """
        said = await self._said(task, wanted)
        return {"task": task.id, "path": task.path, "host": task.host, **said}

    async def _said(self, task: PlannedTask, wanted: TaskLog) -> dict[str, Any]:
        if wanted.after is None:
            return dict(await self._control.bus.ask(task.host, "log", [task.id, wanted.lines]))
        if not 0 <= wanted.wait_s <= LONGEST_S:
            raise InvalidRequestError(f"wait_s must be 0 to {LONGEST_S:g}, not {wanted.wait_s:g}")
        if self._waiting >= MOST_WAITING:
            raise UnreachableError(f"{MOST_WAITING} others follow tasks at the moment: ask again later")
        arguments = [task.id, wanted.lines, wanted.after, wanted.wait_s]
        self._waiting += 1
        try:
            return dict(await self._control.bus.ask(task.host, "log", arguments, wanted.wait_s))
        finally:
            self._waiting -= 1
