"""Output of a task, as its agent has stored it."""

from collections.abc import Iterator
from typing import Any

from salt_o2.cli.ui.terminal import Terminal
from salt_o2.core.errors import UnknownNameError

Places = dict[str, int]
WAIT_S = 20.0
"""Time that one request waits for new output, in seconds."""


def task_log(terminal: Terminal, named: dict[str, str], lines: int) -> dict[str, Any]:
    """Return the last ``lines`` of a task: ``task``, ``host``, ``stdout``, ``stderr``, positions ``at``.

    ``named`` has the name of the task and, if it is given, of its environment.

    Raises:
        UnknownNameError: if control knows no such task.
        TaskError: if its host has no such output.
        UnreachableError: if its host, or control, does not answer.
    """
    wanted = {**named, "id": named["task"], "lines": lines}
    del wanted["task"]
    return dict(terminal.ask("task_log", wanted))


def follow(terminal: Terminal, identity: str, at: Places) -> Iterator[str]:
    """Yield each line that a task writes after the positions ``at``, until the task or its environment ends.

    Lines of stderr are marked. There is no polling: the request waits on the task's host.
    """
    over = False
    while not over:
        try:
            output = terminal.ask("task_log", {"id": identity, "after": at, "wait_s": WAIT_S})
        except UnknownNameError:
            return  # the environment has ended, and the task with it
        yield from output["stdout"]
        yield from (f"stderr: {line}" for line in output["stderr"])
        at, over = output["at"], output["over"]
