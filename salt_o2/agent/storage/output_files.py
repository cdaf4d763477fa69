"""What a task writes: straight into a file, so that it never waits for a reader, and bounded all the same.

The agent looks from time to time and, when a file has grown beyond its bound, moves the last half of it to
``<file>.before`` and empties the file in place: the task keeps writing at what is now the start (O_APPEND).
A few lines may be lost if the task writes in just that moment.
"""

import os
import re
from pathlib import Path

from salt_o2.core.terminal_text import terminal_line
from salt_o2.linux import atomic_file

BOUND = 10 * 1024 * 1024
"""Bytes kept of each file, at most."""
UNWANTED = "none"
"""What a template says of a stream that it does not want kept."""
BOUND_UNWANTED = 256 * 1024
"""Bytes kept of such a stream: a failure shows the last words of it all the same."""
LOOK_BACK = 64 * 1024
"""Bytes read for a few lines; for many, as many more as lines mostly have."""
TYPICAL = 200
LONGEST_LINE = 4096
"""Bytes; what is longer without an end is told all the same."""
CLIP = 400
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Colours and other control characters of ASCII; they are left out. Others are shown as escapes."""


def bound_of(wanted: str) -> int:
    """Return how many bytes are kept of a stream of which a template says ``wanted``."""
    return BOUND_UNWANTED if wanted == UNWANTED else BOUND


def trim(path: Path, bound: int = BOUND) -> bool:
    """Keep ``path`` and its ``.before`` together within ``bound`` bytes; tell whether there was need."""
    try:
        if os.stat(path).st_size <= bound // 2:  # noqa: PTH116 of each task every second: the quicker one
            return False
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            kept = _last(file.fileno(), bound // 2)
            os.ftruncate(file.fileno(), 0)
    except FileNotFoundError:
        return False
    part = _before(path).with_suffix(".part")
    atomic_file.write_privately(part, kept)
    part.replace(_before(path))
    atomic_file.write_privately(_beside(path, "cut"), str(_cut(path) + size).encode())
    return True


def tail(path: Path, lines: int) -> tuple[str, ...]:
    """Return the last ``lines`` lines of what was written, each made fit for a terminal and clipped."""
    if lines < 1:
        return ()
    data = b""
    for part in (path, _before(path)):
        if data.count(b"\n") <= lines:
            data = _read_end(part, max(LOOK_BACK, lines * TYPICAL)) + data
    return _readable(data)[-lines:]


def end(path: Path) -> int:
    """Return how many bytes were ever written to ``path``, as far as anybody saw them."""
    return _cut(path) + _size(path)


def since(path: Path, place: int, most: int) -> tuple[tuple[str, ...], int]:
    """Return the lines that came after ``place``, a count of bytes, and the place where they end.

    Of more than ``most`` bytes the last are returned, and a line that says so. A line that is not complete
    yet is left for the next time, unless it has grown too long to be one.
    """
    cut, written = _cut(path), end(path)
    if place > written:
        place = cut  # the file was begun anew
    wanted = max(place, written - most)
    first = cut - _size(_before(path))  # what is still there begins here
    begin = max(wanted, first)
    data = _read(_before(path), begin - first, cut - begin) + _read(
        path, max(0, begin - cut), written - max(begin, cut)
    )
    whole = data if len(data) > LONGEST_LINE and b"\n" not in data else data[: data.rfind(b"\n") + 1]
    left_out = (f"[{begin - place} bytes are left out]",) if begin > place else ()
    return (*left_out, *_readable(whole)), begin + len(whole)


def output_tail(stdout: Path, stderr: Path, lines: int = 20) -> tuple[str, ...]:
    """Return what a failure shows: the ends of both, stderr last, as there the reason mostly is."""
    errors = tail(stderr, lines // 2)
    return (*tail(stdout, lines - len(errors)), *errors)


def _readable(data: bytes) -> tuple[str, ...]:
    found = data.decode(errors="replace").splitlines()
    return tuple(terminal_line(CONTROL.sub("", line)[:CLIP]) for line in found)


def _before(path: Path) -> Path:
    return _beside(path, "before")


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _cut(path: Path) -> int:
    """Return how many bytes were cut off at the beginning of ``path`` so far."""
    try:
        return int(_beside(path, "cut").read_text())
    except (OSError, ValueError):
        return 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _last(fd: int, count: int) -> bytes:
    size = os.fstat(fd).st_size
    return os.pread(fd, count, max(0, size - count))


def _read(path: Path, begin: int, count: int) -> bytes:
    if count <= 0:
        return b""
    try:
        with path.open("rb") as file:
            return os.pread(file.fileno(), count, begin)
    except OSError:
        return b""


def _read_end(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return _last(file.fileno(), count)
    except OSError:
        return b""
