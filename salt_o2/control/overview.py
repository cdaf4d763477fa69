"""The desk for what is there: tasks and their voices, workflows, control itself."""

import os
from importlib.metadata import version
from typing import Any

from salt_o2.control import shelf
from salt_o2.control.arguments import Nothing, Recover, TaskLog
from salt_o2.control.asking import Progress, Verbs
from salt_o2.control.control import Control, Held
from salt_o2.control.freshness import Freshness
from salt_o2.control.site import Site
from salt_o2.control.threads import RequestThreads
from salt_o2.control.voices import Voices
from salt_o2.core.codec import plain
from salt_o2.core.errors import UnknownName
from salt_o2.core.plan import PlannedTask


class Overview:
    """Serves what concerns everything."""

    def __init__(self, control: Control, site: Site, threads: RequestThreads | None = None) -> None:
        """Tell about ``control``, with the settings of ``site`` and ``threads`` to read its repositories."""
        self._control = control
        self._site = site
        self._threads = threads or RequestThreads()
        self._voices = Voices(control)
        self._since = control.clock()
        self.verbs: Verbs = {
            "task_list": (Nothing, self._tasks),
            "task_log": (TaskLog, self._log),
            "task_recover": (Recover, self._recover),
            "workflow_list": (Nothing, self._workflows),
            "info": (Nothing, self._info),
        }

    async def _tasks(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        fresh = Freshness(self._control)
        return [
            fresh.task(planned, members.reports.get(planned.id)) | {"environment": held.kept.id}
            for held in self._control.held.values()
            for members in [held.environment.members]
            for planned in members.plan.tasks
        ]

    async def _recover(self, wanted: Recover, user: str, _progress: Progress) -> dict[str, Any]:
        held, task = self._find(wanted.task, wanted.environment)
        self._control.recover(held, task.id, user, by_hand=not wanted.by_rule)
        report = held.environment.members.reports.get(task.id)
        return Freshness(self._control).task(task, report) | {"environment": held.kept.id}

    def _find(self, wanted: str, environment: str = "") -> tuple[Held, PlannedTask]:
        """Return the living task whose id is or begins with ``wanted``."""
        among = [self._control.find(environment)] if environment else list(self._control.held.values())
        for held in among:
            for id, task in held.environment.members.tasks.items():
                if wanted and id.startswith(wanted):
                    return held, task
        raise UnknownName(f"no task {wanted!r} is alive; ask for an ended one on its host, by o2.log")

    async def _log(self, wanted: TaskLog, _user: str, _progress: Progress) -> dict[str, Any]:
        _, task = self._find(wanted.id)
        return await self._voices.hear(task, wanted)

    async def _workflows(self, _wanted: Nothing, user: str, _progress: Progress) -> list[dict[str, Any]]:
        return await self._threads.catalogue.run(
            user, shelf.catalogue, self._site.repositories, self._site.vars
        )

    async def _info(self, _wanted: Nothing, _user: str, _progress: Progress) -> dict[str, Any]:
        held = self._control.held.values()
        return {
            "version": version("salt-o2"),
            "pid": os.getpid(),
            "uptime_s": round(self._control.clock() - self._since, 1),
            "environments": len(held),
            "tasks": sum(len(each.environment.members.tasks) for each in held),
            "hosts": len(self._control.hosts.known),
            "faults": [
                f"host {name}: {fault}"
                for name, host in sorted(self._control.hosts.known.items())
                for fault in host.faults
            ],
            "settings": plain(self._site),
        }
