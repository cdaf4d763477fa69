"""Output of a task: written directly into files, so that the task never waits, and still bounded.

The agent checks the files from time to time. When a file has grown beyond its bound, the agent moves the last
half of it to ``<file>.before`` and empties the file in place. The task then writes at the new start of the
file (O_APPEND). A few lines may be lost if the task writes at that moment.
"""

import os
import re
from pathlib import Path

from salt_o2.core.terminal_text import terminal_line
from salt_o2.linux import atomic_file

BOUND = 10 * 1024 * 1024
"""Maximum number of bytes kept of each file."""
UNWANTED = "none"
"""The template's word for a stream that is not to be kept."""
BOUND_UNWANTED = 256 * 1024
"""Bytes kept of such a stream, because a failure shows the end of the output in any case."""
LOOK_BACK = 64 * 1024
"""Bytes read for a few lines; for many lines, proportionally more."""
TYPICAL = 200
LOOK_BACK_MOST = 1024 * 1024
"""Bytes of one stream that are read at most for its last lines: an answer goes the way that reports go."""
LONGEST_LINE = 4096
"""Bytes; an incomplete line that is longer is returned without waiting for its end."""
CLIP = 400
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
"""Colours and other ASCII control characters, which are removed. Other ones are shown as escapes."""


def bound_of(wanted: str) -> int:
    """Return how many bytes are kept of a stream for which a template says ``wanted``."""
    return BOUND_UNWANTED if wanted == UNWANTED else BOUND


def trim(path: Path, bound: int = BOUND) -> bool:
    """Keep ``path`` and its ``.before`` together within ``bound`` bytes; return whether bytes were cut."""
    try:
        # Each task is checked every second, and this is the quicker call.
        if os.stat(path).st_size <= bound // 2:  # noqa: PTH116
            return False
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            last_bytes = _last(file.fileno(), bound // 2)
            os.ftruncate(file.fileno(), 0)
    except FileNotFoundError:
        return False
    part = _before(path).with_suffix(".part")
    atomic_file.write_privately(part, last_bytes)
    part.replace(_before(path))
    atomic_file.write_privately(_sibling(path, "cut"), str(_cut(path) + size).encode())
    return True


def tail(path: Path, lines: int) -> tuple[str, ...]:
    """Return the last ``lines`` lines of the output, each made safe for a terminal and clipped.

    They are fewer if they have more than ``LOOK_BACK_MOST`` bytes.
    """
    if lines < 1:
        return ()
    data = b""
    for part in (path, _before(path)):
        if data.count(b"\n") <= lines:
            data = _read_end(part, min(LOOK_BACK_MOST, max(LOOK_BACK, lines * TYPICAL))) + data
    return _readable(data)[-lines:]


def end(path: Path) -> int:
    """Return how many bytes were ever written to ``path``, as far as the agent saw them."""
    return _cut(path) + _size(path)


def since(path: Path, place: int, most: int) -> tuple[tuple[str, ...], int]:
    """Return the lines after ``place``, a count of bytes, and the place where they end.

    Of more than ``most`` bytes the last are returned, with a line that says so. An incomplete line is left
    for the next call, unless it has grown too long for a line.
    """
    cut, written = _cut(path), end(path)
    if place > written:
        # The file was started anew.
        place = cut
    wanted = max(place, written - most)
    # The remaining output starts here.
    first = cut - _size(_before(path))
    begin = max(wanted, first)
    data = _read(_before(path), begin - first, cut - begin) + _read(
        path, max(0, begin - cut), written - max(begin, cut)
    )
    complete = data if len(data) > LONGEST_LINE and b"\n" not in data else data[: data.rfind(b"\n") + 1]
    left_out = (f"[{begin - place} bytes are omitted]",) if begin > place else ()
    return (*left_out, *_readable(complete)), begin + len(complete)


def output_tail(stdout: Path, stderr: Path, lines: int = 20) -> tuple[str, ...]:
    """Return the output that a failure shows: the ends of both, stderr last, as it mostly has the reason."""
    errors = tail(stderr, lines // 2)
    return (*tail(stdout, lines - len(errors)), *errors)


def _readable(data: bytes) -> tuple[str, ...]:
    found = data.decode(errors="replace").splitlines()
    return tuple(terminal_line(CONTROL.sub("", line)[:CLIP]) for line in found)


def _before(path: Path) -> Path:
    return _sibling(path, "before")


def _sibling(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}.{what}")


def _cut(path: Path) -> int:
    """Return how many bytes were cut off at the start of ``path`` so far."""
    try:
        return int(_sibling(path, "cut").read_text())
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
