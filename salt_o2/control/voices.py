"""The desk for tasks' voices: what they wrote last, and what they write from now on.

Whoever follows asks again and again for what comes after the places that the answer before named. The request
waits on the task's host, in its agent, until something is written: nobody looks in vain.
"""

from typing import Any

from salt_o2.control.arguments import TaskLog
from salt_o2.control.control import Control
from salt_o2.core.errors import InvalidRequest, Unreachable
from salt_o2.core.plan import PlannedTask

LONGEST_S = 30.0
"""Control waits no longer for something new; whoever follows asks again."""
MOST_WAITING = 32
"""Each that waits holds a thread here and a job process on its host."""
AGENT_S = 10
"""How long the agent may take for what it has."""


class Voices:
    """Asks agents for what tasks wrote."""

    def __init__(self, control: Control) -> None:
        """Ask by the bus of ``control``."""
        self._control = control
        self._waiting = 0

    async def hear(self, task: PlannedTask, wanted: TaskLog) -> dict[str, Any]:
        """Return what ``task`` wrote: ``stdout``, ``stderr``, ``at`` which places, and if it is ``over``.

        Raises:
            InvalidRequest: if somebody wants to wait longer than that, or too many do already.
            Unreachable: if the host does not answer.
        """
        said = await self._said(task, wanted)
        return {"task": task.id, "path": task.path, "host": task.host, **said}

    async def _said(self, task: PlannedTask, wanted: TaskLog) -> dict[str, Any]:
        if wanted.after is None:
            return dict(await self._control.bus.ask(task.host, "o2.log", [task.id, wanted.lines]))
        if not 0 <= wanted.wait_s <= LONGEST_S:
            raise InvalidRequest(f"wait_s must be 0 to {LONGEST_S:g}, not {wanted.wait_s:g}")
        if self._waiting >= MOST_WAITING:
            raise Unreachable(f"{MOST_WAITING} others follow tasks at the moment: ask again later")
        arguments = [task.id, wanted.lines, AGENT_S, wanted.after, wanted.wait_s]
        self._waiting += 1
        try:
            return dict(await self._control.bus.ask(task.host, "o2.log", arguments, wanted.wait_s))
        finally:
            self._waiting -= 1
