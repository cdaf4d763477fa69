"""Follows a task's output: returns output after a place, and waits for more.

A place is a count of bytes since the task began to write, so it stays valid when the output is trimmed.
Output that was cut off before a request is not returned.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from salt_o2.agent.storage import output_files
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.linux.inotify import DirectoryWatch

GATHER_S = 0.1
"""How long to wait for more lines after a first one: output of a busy task is returned in pieces."""
MOST_BYTES = 256 * 1024
"""Maximum returned at a time; of more output, the last part is returned."""

Places = dict[str, int]


def read_tail(home: TaskDirectory, lines: int) -> dict[str, Any]:
    """Return the last ``lines`` of ``stdout`` and ``stderr``, and the places ``at`` which they end."""
    paths = _paths(home)
    ends = {path.name: output_files.end(path) for path in paths}
    return {path.name: list(output_files.tail(path, lines)) for path in paths} | {"at": ends}


async def follow_output(find: Callable[[], TaskDirectory], after: Places, wait_s: float) -> dict[str, Any]:
    """Return output ``after`` those places, as soon as there is some, at the latest after ``wait_s`` s.

    ``find`` returns the task's directory, which moves when the task is done.
    """
    home, deadline = find(), time.monotonic() + wait_s
    with DirectoryWatch(home.folder) as changes:
        output = _output_after(home, after)
        while not _says_anything(output) and await changes.wait(deadline - time.monotonic()):
            await asyncio.sleep(GATHER_S)
            present = find()
            output = _output_after(present, after)
            if present.folder != home.folder:
                # The task is done and writes no more.
                break
    return output


def _output_after(home: TaskDirectory, after: Places) -> dict[str, Any]:
    output: dict[str, Any] = {"at": {}}
    for path in _paths(home):
        lines, place = output_files.since(path, after.get(path.name, 0), MOST_BYTES)
        output[path.name], output["at"][path.name] = list(lines), place
    return output


def _says_anything(output: dict[str, Any]) -> bool:
    return bool(output["stdout"] or output["stderr"])


def _paths(home: TaskDirectory) -> tuple[Path, Path]:
    return home.files.stdout, home.files.stderr
