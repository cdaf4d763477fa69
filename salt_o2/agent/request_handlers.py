"""Requests that an agent accepts at its socket, with plain values in and out."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from salt_o2.agent.agent import Agent, unusable_orders
from salt_o2.agent.process import orphan_audit
from salt_o2.agent.storage import output_follow
from salt_o2.agent.task.task import Task
from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.concurrency.run_all import Apart
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequestError, O2Error
from salt_o2.core.messages.command_parsing import command_of
from salt_o2.core.messages.commands import Question
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskEvent

log = logging.getLogger(__name__)

ASKED_BY_CONTROL = frozenset({"audit", "info", "kill", "log", "records", "tasks", "transition"})
"""The requests that control may send inside the session."""
LONGEST_LOG = 100_000
READERS = 1
"""Threads that read output at the same time; the agent's loop goes on meanwhile."""
LONGEST_WAIT_S = 3600.0
LONGEST_FOLLOW_S = 60.0


Deliver = Callable[[Any], Awaitable[None]]


async def no_session(_message: Any) -> None:
    """Refuse a message of control: this agent runs without a bus.

    Raises:
        InvalidRequestError: always.
    """
    raise InvalidRequestError("this agent has no session with control")


class RequestHandlers:
    """One method for each verb; each method checks its arguments, which come from outside."""

    def __init__(self, agent: Agent, deliver: Deliver = no_session) -> None:
        """Serve requests for ``agent``; ``deliver`` processes messages that control has sealed."""
        self._agent, self._deliver = agent, deliver
        self._reading = asyncio.Semaphore(READERS)
        self.table: dict[str, Callable[..., Awaitable[Any]]] = {
            "tasks": self.tasks,
            "deliver": self.deliver,
            "drive": self.drive,
            "transition": self.transition,
            "kill": self.kill,
            "log": self.log,
            "info": self.info,
            "records": self.records,
            "audit": self.audit,
        }

    async def tasks(self) -> list[dict[str, Any]]:
        """Return the reports of all tasks, with mode and command line."""
        reports = self._agent.tasks()
        return [plain(about) | _launch_of(self._agent.task(about.task)) for about in reports]

    async def deliver(self, message: Any) -> dict[str, Any]:
        """Process a message that control has sealed for this agent."""
        await self._deliver(message)
        return {"host": self._agent.host}

    async def drive(self, command: Any) -> dict[str, Any]:
        """Execute ``command`` and return the accepted revision; start no order if one order is wrong."""
        order = command_of(command)
        if wrong := unusable_orders(order):
            raise InvalidRequestError(f"nothing was done: {'; '.join(wrong.values())}")
        await self._agent.accept_command(order)
        return {"host": order.host, "environment": order.environment, "revision": order.revision}

    async def transition(self, tasks: Any, event: Any, arguments: Any, timeout_s: Any) -> dict[str, Any]:
        """Send one event to each of ``tasks``; send none if one of them is not here."""
        chosen = self._chosen(tasks)
        wanted, pushed = typed(event, TaskEvent), typed(arguments, dict[str, str])
        limit = typed(timeout_s, float)
        if not 0 < limit <= LONGEST_WAIT_S:
            raise InvalidRequestError(
                f"timeout must be above 0 and at most {LONGEST_WAIT_S:.0f} s, not {limit}"
            )
        answers = await asyncio.gather(*(_move(task, wanted, pushed, limit) for task in chosen))
        return dict(zip((task.id for task in chosen), answers, strict=True))

    async def kill(self, tasks: Any) -> dict[str, bool]:
        """Stop the processes of each of ``tasks``; return whether they have ended."""
        chosen = self._chosen(tasks)
        apart = Apart("ending the processes of tasks")
        ended = await asyncio.gather(*(_kill(task, apart) for task in chosen))
        if not any(ended):
            apart.raise_first()
        # A failed request counts as a task that has not ended.
        return dict(zip((task.id for task in chosen), ended, strict=True))

    async def log(self, task: Any, lines: Any, after: Any = None, wait_s: Any = 0.0) -> dict[str, Any]:
        """Return the last lines of a task's output, or wait for output ``after`` given places."""
        count, name, limit = typed(lines, int), typed(task, str), typed(wait_s, float)
        if not 0 < count <= LONGEST_LOG:
            raise InvalidRequestError(f"lines must be 1 to {LONGEST_LOG}, not {count}")
        if not 0 <= limit <= LONGEST_FOLLOW_S:
            raise InvalidRequestError(f"wait must be 0 to {LONGEST_FOLLOW_S:.0f} s, not {limit}")
        if after is None:
            home = self._agent.output_of(name)
            async with self._reading:
                found = await run_in_daemon_thread(output_follow.read_tail, home, count)
        else:
            places = typed(after, dict[str, int])
            # A finished task writes no more output.
            limit = 0.0 if self._agent.is_over(name) else limit
            found = await output_follow.follow_output(lambda: self._agent.output_of(name), places, limit)
        return found | {"over": self._agent.is_over(name)}

    async def records(self, environment: Any) -> list[dict[str, Any]]:
        """Return all records on disk of the tasks of ``environment``: control may have lost its own."""
        wanted = typed(environment, str)
        known = (self._agent.task(about.task).record for about in self._agent.tasks())
        return [plain(each) for each in known if each.environment == wanted]

    async def answer(self, question: Question) -> Any:
        """Return the answer to a question that control asks in its session.

        Raises:
            InvalidRequestError: the question is not permitted in a session.
        """
        if question.host != self._agent.host or question.verb not in ASKED_BY_CONTROL:
            raise InvalidRequestError(f"{question.verb!r:.60} is not answered on {self._agent.host}")
        try:
            return await self.table[question.verb](*question.arguments)
        except TypeError as error:
            raise InvalidRequestError(f"{question.verb} has wrong arguments: {error}") from error

    async def audit(self) -> dict[str, Any]:
        """Return leftovers on this host that belong to no task."""
        found = await run_in_daemon_thread(orphan_audit.audit, self._agent.directory, self._agent.task_users)
        return found | {"host": self._agent.host}

    async def info(self) -> dict[str, Any]:
        """Return the identity and the status of the agent."""
        reporter, reports = self._agent.reporter, self._agent.tasks()
        return {
            "host": self._agent.host,
            "pid": os.getpid(),
            "incarnation": reporter.incarnation,
            "refused": self._agent.refused,
            "trouble": reporter.trouble,
            "directory": str(self._agent.directory),
            "up_s": round(time.time() - reporter.facts.started, 1),
            "reports": reporter.sequence,
            "tasks": len(reports),
            "unsettled": sum(not about.settled for about in reports),
            "facts": plain(replace(reporter.facts, directory_key="")),
        }

    def _chosen(self, tasks: Any) -> list[Task]:
        names = typed(tasks, list[str])
        if not names:
            raise InvalidRequestError("name at least one task")
        return [self._agent.task(name) for name in dict.fromkeys(names)]


async def _move(task: Task, event: TaskEvent, arguments: dict[str, str], timeout_s: float) -> dict[str, Any]:
    try:
        failure = await task.move(event, arguments, timeout_s)
    except O2Error as error:
        failure = Failure(asked=event, state=task.record.device_state or "-", reason=str(error))
    # A defect for one task must not lose the answers of the other tasks.
    except Exception as error:
        log.exception("task %s: %s failed", task.id, event)
        failure = Failure(
            asked=event,
            state=task.record.device_state or "-",
            reason=repr(error),
            advice="report this as a defect",
        )
    return {"state": task.record.state, "failure": plain(failure)}


async def _kill(task: Task, apart: Apart) -> bool:
    with apart:
        return await task.kill()
    return False


def _launch_of(task: Task) -> dict[str, str]:
    launch = task.record.launched or task.record.launch
    return {"mode": task.record.mode, "command": launch.command_line if launch else ""}
