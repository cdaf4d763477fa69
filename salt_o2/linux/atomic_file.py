"""Small files of an agent: each is complete or absent, and no other user may read it.

They are written with the plain functions of ``os``: there is one file for each task and step, and pathlib
would double the cost of the file system.
"""

import contextlib
import os
from pathlib import Path

NEW, LAST = ".new", ".last"


def put(path: Path, content: bytes, *, keep_last: bool = False) -> None:
    """Write ``content`` so that a reader never sees half of it, in ``path`` or in :func:`aside`.

    With ``keep_last`` the previous file stays as a copy, see :func:`last`.

    The old file is removed before the new one gets its name: a rename over a file makes ext4 write the data
    out at once, which costs milliseconds on a busy disk.

    Raises:
        OSError: the disk has no room, or the process may not write.
    """
    name = str(path)
    new = name + NEW
    with open(new, "wb", opener=privately) as file:
        file.write(content)
    with contextlib.suppress(FileNotFoundError):
        if keep_last:
            _rename_to_last(name)
        else:
            os.unlink(name)  # noqa: PTH108
    os.rename(new, name)  # noqa: PTH104


def write_privately(path: Path, content: bytes) -> None:
    """Write ``content`` into ``path``, which no other account may read; a reader may see half of it.

    Raises:
        OSError: the disk has no room, or the process may not write.
    """
    with open(path, "wb", opener=privately) as file:
        file.write(content)


def aside(path: Path) -> Path:
    """Return the path of a file until it gets its name; if ``path`` is missing, this file is complete."""
    return path.with_name(path.name + NEW)


def last(path: Path) -> Path:
    """Return the path of the content that ``path`` had before its last write."""
    return path.with_name(path.name + LAST)


def _rename_to_last(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name + LAST)  # noqa: PTH108
    os.rename(name, name + LAST)  # noqa: PTH104


def privately(path: str, flags: int) -> int:
    """Open a file that no other account may read: an opener for ``open``.

    No other user may read arguments, variables and output of a task, not even the task's own user.
    """
    return os.open(path, flags, 0o600)
