"""Request handlers for tasks and their output, workflows, and control itself."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.service import EnvironmentService
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.hosts.cordons import Cordons
from salt_o2.control.hosts.host_questions import QuestionLimit
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.requests.arguments import Nothing, OneTask, Progress, Recover, TaskLog, Tasks, Verbs
from salt_o2.control.storage.plan_search import EndedTask, EndedTasks
from salt_o2.control.storage.store import Store
from salt_o2.control.views.environment_view import ended_task, missing_since, task_details
from salt_o2.control.views.settings_view import settings_view
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.errors import InvalidRequestError, UnknownNameError, UnreachableError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId, some
from salt_o2.core.messages.effects import Effect, Reschedule, SendCommand
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.url_masking import without_passwords
from salt_o2.site import workflow_index
from salt_o2.site.settings import Site

log = logging.getLogger(__name__)


class TaskRequests:
    """Serves requests that concern tasks and the whole system."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        environments: EnvironmentService,
        hosts: HostTable,
        cordons: Cordons,
        faults_of_control: Callable[[], list[str]],
        site: Site,
        threads: RequestThreads,
        store: Store,
        bus: Bus,
        view_now: ViewNow,
        clock: Callable[[], float],
    ) -> None:
        """Serve requests for the tasks of ``active``; read the repositories of ``site`` in ``threads``.

        ``faults_of_control`` returns settings and rows of the store that control cannot use. Agents on
        ``bus`` have the output of tasks.
        """
        self._active = active
        self._environments = environments
        self._hosts = hosts
        self._cordons = cordons
        self._faults_of_control = faults_of_control
        self._site = site
        self._threads = threads
        self._store = store
        self._ended = EndedTasks(store)
        self._bus = bus
        self._logs = TaskLogRequests(bus)
        self._view_now = view_now
        self._clock = clock
        self._started = clock()
        self.verbs: Verbs = {
            "task_list": (Tasks, self._tasks),
            "task_info": (OneTask, self._describe),
            "task_kill": (OneTask, self._kill),
            "task_log": (TaskLog, self._log),
            "task_recover": (Recover, self._recover),
            "workflow_list": (Nothing, self._workflows),
            "info": (Nothing, self._info),
        }

    async def _tasks(self, wanted: Tasks, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Return the tasks that fit. O(tasks of the environment or host that is named)."""
        view = self._view_now()
        among = [self._active.find(wanted.environment)] if wanted.environment else [*self._active.values()]
        chosen = ((target, task) for target in among for task in _candidates(target, wanted))
        found = (view.task_of(target, task) for target, task in chosen)
        return [task for task in found if _is_in(task, wanted.state.upper())]

    async def _describe(self, wanted: OneTask, user: str, _progress: Progress) -> dict[str, Any]:
        active = self._find_active(wanted.task, wanted.environment)
        if active is None:
            return ended_task(await self._find_ended(wanted.task, wanted.environment, user))
        target, task = active
        model = target.environment.model
        report = model.tasks.reports.get(task.id)
        return self._view_now().task_of(target, task) | {
            **task_details(task, report),
            "workflow": model.plan.workflow,
            "environment_state": model.state,
            "run_number": model.run.number,
            "missing_since": missing_since(target.environment, task),
            "ended": None,
        }

    async def _kill(self, wanted: OneTask, user: str, _progress: Progress) -> dict[str, Any]:
        """Kill the processes of a task; for an active one its recovery policy decides what follows.

        Raises:
            UnreachableError: if its host does not answer.
        """
        environment, task, active = await self._find(wanted.task, wanted.environment, user)
        log.warning("%s kills task %s of role %s on %s", user, task.id, task.path, task.host)
        answer = dict(await self._bus.ask(task.host, "kill", [[task.id]]))
        killed = bool(answer.get(task.id))
        follows = f"; recovery policy of its role: {task.recovery}" if active else ""
        outcome = f"its processes have ended{follows}" if killed else "its processes have not ended yet"
        return {
            "id": task.id,
            "path": task.path,
            "host": task.host,
            "environment": environment,
            "killed": killed,
            "outcome": outcome,
        }

    async def _recover(self, wanted: Recover, user: str, _progress: Progress) -> dict[str, Any]:
        active = self._find_active(wanted.task, wanted.environment)
        if active is None:
            ended = await self._find_ended(wanted.task, wanted.environment, user)
            raise UnknownNameError(
                f"task {ended.planned.id} of role {ended.planned.path} is not active any more: it cannot be "
                f"restarted. `coconut env repeat {ended.environment}` creates its environment again"
            )
        target, task = active
        effects = self._environments.recover(target, task.id, user, manually=not wanted.by_rule)
        outcome = {"outcome": _outcome(target, task, effects)}
        return self._view_now().task_of(target, task) | outcome

    def _find_active(self, wanted: str, environment: str) -> tuple[ActiveEnvironment, PlannedTask] | None:
        """Return the active task that ``wanted`` names; ``None`` if there is none.

        A whole id costs one lookup in each environment, a prefix or a path a comparison with every task.

        Raises:
            UnknownNameError: if several tasks fit.
        """
        if environment and not any(id.startswith(environment) for id in self._active):
            return None  # it may have ended
        among = [self._active.find(environment)] if environment else [*self._active.values()]
        whole = [target for target in among if wanted in target.environment.model.tasks.tasks]
        if whole:
            return whole[0], whole[0].environment.model.tasks.tasks[TaskId(wanted)]
        tasks = [(each, task) for each in among for task in each.environment.model.tasks.tasks.values()]
        found = [(target, task) for target, task in tasks if wanted and task.id.startswith(wanted)]
        found = found or [(target, task) for target, task in tasks if task.path == wanted]
        if len(found) > 1:
            names = some(f"{task.id} ({task.path} in {target.stored.id})" for target, task in found)
            raise UnknownNameError(
                f"more than one active task fits {wanted!r}: {names}. Nothing was done: give more characters "
                "of the ID, or the environment (`--env`)"
            )
        return found[0] if found else None

    async def _find_ended(self, wanted: str, environment: str, user: str) -> EndedTask:
        self._store.flush()
        return await self._threads.past.run(user, self._ended.find, wanted, environment)

    async def _find(
        self, wanted: str, environment: str, user: str
    ) -> tuple[EnvironmentId, PlannedTask, ActiveEnvironment | None]:
        """Return a task, active or ended, with its environment."""
        active = self._find_active(wanted, environment)
        if active:
            return active[0].stored.id, active[1], active[0]
        ended = await self._find_ended(wanted, environment, user)
        return ended.environment, ended.planned, None

    async def _log(self, wanted: TaskLog, user: str, _progress: Progress) -> dict[str, Any]:
        environment, task, _ = await self._find(wanted.id, wanted.environment, user)
        return {**await self._logs.read(task, wanted, user), "environment": environment}

    async def _workflows(self, _wanted: Nothing, user: str, _progress: Progress) -> list[dict[str, Any]]:
        return await self._threads.catalogue.run(
            user, workflow_index.catalogue, self._site.repositories, self._site.vars
        )

    async def _info(self, _wanted: Nothing, _user: str, _progress: Progress) -> dict[str, Any]:
        active = self._active.values()
        return {
            "version": version("salt-o2"),
            "pid": os.getpid(),
            "uptime_s": round(self._clock() - self._started, 1),
            "environments": len(active),
            "tasks": sum(len(each.environment.model.tasks.tasks) for each in active),
            "hosts": len(self._hosts.known),
            "cordoned": self._cordons.descriptions(),
            "faults": [
                f"host {name}: {fault}"
                for name, host in sorted(self._hosts.known.items())
                for fault in host.faults
            ],
            "unused": without_passwords(self._faults_of_control()),
            "settings": settings_view(self._site),
        }


def _candidates(target: ActiveEnvironment, wanted: Tasks) -> Iterator[PlannedTask]:
    """Yield the planned tasks of an environment that fit all but the state."""
    members = target.environment.model.tasks
    for task in members.on_host(HostId(wanted.host)) if wanted.host else members.plan.tasks:
        fits = (
            not members.is_departing(task.id)
            and fnmatchcase(task.path, wanted.role or "*")
            and fnmatchcase(task.class_name, wanted.class_name or "*")
        )
        if fits and wanted.detector in ("", members.detectors.get(task.id)):
            yield task


def _is_in(task: dict[str, Any], state: str) -> bool:
    """Return whether a task is in ``state``: a state, or EXCLUDED, LOST or FAILED."""
    match state:
        case "":
            return True
        case "EXCLUDED" | "LOST":
            return bool(task[state.lower()])
        case "FAILED":
            return bool(task["error"])
        case _:
            return bool(task["state"] == state)


def _outcome(target: ActiveEnvironment, task: PlannedTask, effects: Sequence[Effect]) -> str:
    """Return the outcome of the request to restart ``task``."""
    environment = target.environment
    report = environment.model.tasks.reports.get(task.id)
    if any(isinstance(effect, SendCommand) for effect in effects):
        return "it is started again"
    if any(isinstance(effect, Reschedule) for effect in effects):
        return "another program has one of its ports: it gets other ports and is restarted then"
    if task.id in environment.model.restarts.pending:
        return "not restarted: a restart is already pending"
    if report is None or report.failure is None:
        return "not restarted: it has not failed"
    doing = environment.model.active.event if environment.model.active else environment.model.state
    return f"not restarted: its environment is in {doing}, or its role has another recovery policy"


LONGEST_S = 30.0
"""Seconds that control waits for new output at most; the client then repeats its request."""
MOST_WAITING = 32
"""Waiting requests at most: each occupies a request here and on its host."""


class TaskLogRequests:
    """Requests the output of tasks from agents."""

    def __init__(self, bus: Bus) -> None:
        """Ask the agents on ``bus``."""
        self._bus = bus
        self._waiting = 0
        self._limit = QuestionLimit()

    async def read(self, task: PlannedTask, wanted: TaskLog, user: str) -> dict[str, Any]:
        """Return the output of ``task``: ``stdout``, ``stderr``, the end positions ``at``, and ``over``.

        ``over`` says whether the task has ended.

        Raises:
            InvalidRequestError: if ``wait_s`` is above ``LONGEST_S``, or too many requests wait already.
            UnreachableError: if the host does not answer, or ``user`` has too many requests under way.
        """
        with self._limit.turn(user):
            output = await self._output(task, wanted)
        return {"task": task.id, "path": task.path, "host": task.host, **output}

    async def _output(self, task: PlannedTask, wanted: TaskLog) -> dict[str, Any]:
        if wanted.after is None:
            return dict(await self._bus.ask(task.host, "log", [task.id, wanted.lines]))
        if not 0 <= wanted.wait_s <= LONGEST_S:
            raise InvalidRequestError(f"wait_s must be 0 to {LONGEST_S:g}, not {wanted.wait_s:g}")
        if self._waiting >= MOST_WAITING:
            raise UnreachableError(
                f"{MOST_WAITING} requests follow tasks, which is the limit: try again later"
            )
        arguments = [task.id, wanted.lines, wanted.after, wanted.wait_s]
        self._waiting += 1
        try:
            return dict(await self._bus.ask(task.host, "log", arguments, wanted.wait_s))
        finally:
            self._waiting -= 1
