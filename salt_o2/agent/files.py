"""Small files of an agent, each whole or not there at all, and for nobody else to read.

Written with the plain functions of ``os``: there is one for each task and step, and pathlib costs as much
again as the file system.
"""

import contextlib
import os
from pathlib import Path

NEW = ".new"


def put(path: Path, content: bytes) -> None:
    """Write ``content`` so that a reader never sees half of it, in ``path`` or else still aside.

    The old file is removed before the new one gets its name: a rename over a file makes ext4 write the data
    out at once, which costs milliseconds on a busy disk.

    Raises:
        OSError: there is no room, or no right to write.
    """
    name = str(path)
    new = name + NEW
    with open(new, "wb", opener=_privately) as file:
        file.write(content)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name)  # noqa: PTH108
    os.rename(new, name)  # noqa: PTH104


def aside(path: Path) -> Path:
    """Where a file is until it gets its name; if ``path`` is not there, this one is whole."""
    return path.with_name(path.name + NEW)


def _privately(path: str, flags: int) -> int:
    """Arguments and variables of a task are no business of other users, not even of the task's own."""
    return os.open(path, flags, 0o600)
