"""What a task writes, as its agent has kept it."""

from collections.abc import Sequence
from typing import Any

from salt_o2.cli.terminal import Terminal


def task_log(terminal: Terminal, identity: str, lines: int) -> dict[str, Any]:
    """Return the last ``lines`` lines of a task: ``task``, ``host``, ``stdout`` and ``stderr``.

    Raises:
        UnknownName: if no living environment has that task.
        TaskError: if its host has no such output.
        Unreachable: if its host, or control, does not answer.
    """
    return dict(terminal.ask("task_log", {"id": identity, "lines": lines}))


def new_lines(seen: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """Return what of ``now`` came after ``seen``; both are the ends of one growing output.

    The longest end of ``seen`` that lies in ``now`` is where they meet; if there is none, all is new.
    """
    for end in range(len(now), 0, -1):
        known = min(end, len(seen))
        if known and now[end - known : end] == seen[len(seen) - known :]:
            return now[end:]
    return now
