"""What a task writes: straight into a file, so that it never waits for a reader, and bounded all the same.

The agent looks from time to time and, when a file has grown beyond its bound, moves the last half of it to
``<file>.before`` and empties the file in place: the task keeps writing at what is now the start (O_APPEND).
A few lines may be lost if the task writes in just that moment.
"""

import os
import re
from pathlib import Path

BOUND = 10 * 1024 * 1024
"""Bytes kept of each file, at most."""
LOOK_BACK = 64 * 1024
"""Bytes read for a few lines; for many, as many more as lines mostly have."""
TYPICAL = 200
CLIP = 400
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Colours and the like, which must not reach somebody's terminal."""


def trim(path: Path, bound: int = BOUND) -> bool:
    """Keep ``path`` and its ``.before`` together within ``bound`` bytes; tell whether there was need."""
    try:
        if path.stat().st_size <= bound // 2:
            return False
        with path.open("r+b") as file:
            kept = _last(file.fileno(), bound // 2)
            os.ftruncate(file.fileno(), 0)
    except FileNotFoundError:
        return False
    part = _before(path).with_suffix(".part")
    part.write_bytes(kept)
    part.replace(_before(path))
    return True


def tail(path: Path, lines: int) -> tuple[str, ...]:
    """Return the last ``lines`` lines of what was written, each made fit for a terminal and clipped."""
    if lines < 1:
        return ()
    data = b""
    for part in (path, _before(path)):
        if data.count(b"\n") <= lines:
            data = _read_end(part, max(LOOK_BACK, lines * TYPICAL)) + data
    found = data.decode(errors="replace").splitlines()
    return tuple(CONTROL.sub("", line)[:CLIP] for line in found[-lines:])


def last_words(stdout: Path, stderr: Path, lines: int = 20) -> tuple[str, ...]:
    """Return what a failure shows: the ends of both, stderr last, as there the reason mostly is."""
    errors = tail(stderr, lines // 2)
    return (*tail(stdout, lines - len(errors)), *errors)


def _before(path: Path) -> Path:
    return path.with_name(path.name + ".before")


def _last(fd: int, count: int) -> bytes:
    size = os.fstat(fd).st_size
    return os.pread(fd, count, max(0, size - count))


def _read_end(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return _last(file.fileno(), count)
    except OSError:
        return b""
