"""What a task writes, as its agent has kept it."""

from collections.abc import Iterator
from typing import Any

from salt_o2.cli.ui.terminal import Terminal
from salt_o2.core.errors import UnknownNameError

Places = dict[str, int]
WAIT_S = 20.0
"""How long one request waits for something new."""


def task_log(terminal: Terminal, identity: str, lines: int) -> dict[str, Any]:
    """Return a task's last ``lines``: ``task``, ``host``, ``stdout``, ``stderr``, and ``at`` which places.

    Raises:
        UnknownNameError: if no living environment has that task.
        TaskError: if its host has no such output.
        UnreachableError: if its host, or control, does not answer.
    """
    return dict(terminal.ask("task_log", {"id": identity, "lines": lines}))


def follow(terminal: Terminal, identity: str, at: Places) -> Iterator[str]:
    """Yield each line that a task writes after the places ``at``, until its environment, or it, is over.

    stderr's lines say so. Nobody looks in vain: the request waits where the task writes.
    """
    over = False
    while not over:
        try:
            heard = terminal.ask("task_log", {"id": identity, "after": at, "wait_s": WAIT_S})
        except UnknownNameError:
            return  # the environment has ended, and the task with it
        yield from heard["stdout"]
        yield from (f"stderr: {line}" for line in heard["stderr"])
        at, over = heard["at"], heard["over"]
