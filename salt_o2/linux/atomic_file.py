"""Small files of an agent, each whole or not there at all, and for nobody else to read.

Written with the plain functions of ``os``: there is one for each task and step, and pathlib costs as much
again as the file system.
"""

import contextlib
import os
from pathlib import Path

NEW, LAST = ".new", ".last"


def put(path: Path, content: bytes, *, keep_last: bool = False) -> None:
    """Write ``content`` so that a reader never sees half of it, in ``path`` or else still aside.

    With ``keep_last`` the file that was there before stays as a copy, see :func:`last`.

    The old file is removed before the new one gets its name: a rename over a file makes ext4 write the data
    out at once, which costs milliseconds on a busy disk.

    Raises:
        OSError: there is no room, or no right to write.
    """
    name = str(path)
    new = name + NEW
    with open(new, "wb", opener=privately) as file:
        file.write(content)
    with contextlib.suppress(FileNotFoundError):
        if keep_last:
            _keep(name)
        else:
            os.unlink(name)  # noqa: PTH108
    os.rename(new, name)  # noqa: PTH104


def write_privately(path: Path, content: bytes) -> None:
    """Write ``content`` into ``path``, which no other account may read; a reader may see half of it.

    Raises:
        OSError: there is no room, or no right to write.
    """
    with open(path, "wb", opener=privately) as file:
        file.write(content)


def aside(path: Path) -> Path:
    """Where a file is until it gets its name; if ``path`` is not there, this one is whole."""
    return path.with_name(path.name + NEW)


def last(path: Path) -> Path:
    """Where the content is that ``path`` had before it was written last."""
    return path.with_name(path.name + LAST)


def _keep(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name + LAST)  # noqa: PTH108
    os.rename(name, name + LAST)  # noqa: PTH104


def privately(path: str, flags: int) -> int:
    """Open a file that no other account may read: an opener for ``open``.

    Arguments, variables and output of a task are no business of other users, not even of the task's own.
    """
    return os.open(path, flags, 0o600)
