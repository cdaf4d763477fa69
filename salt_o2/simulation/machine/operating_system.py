"""Clock, entropy and file operations of the operating system, exchanged for the time of one simulation.

The programs read wall clock and random numbers in many places and through libraries. Both are exchanged at
their source, so no place is missed. Each host may have a wall clock of its own. Files are real files in
memory. Their operations can fail because the disk is full, and a program can be killed at each of them.
"""

import contextlib
import errno
import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from salt_o2.simulation.machine.process import Died, Program, current

EPOCH = 1_700_000_000.0
"""Wall clock at the start of each simulation, in seconds since the epoch."""


@contextlib.contextmanager
def exchanged(
    now: Callable[[], float], entropy: Random, died: Callable[[Program], None] = lambda _: None
) -> Iterator[None]:
    """Exchange clock and entropy: ``now`` is the virtual time in seconds, ``entropy`` draws all bytes.

    ``died`` is called with a program that is killed in the middle of a write.
    """

    def wall() -> float:
        program = current()
        return EPOCH + now() + (program.clock_offset_s if program is not None else 0.0)

    def token_bytes(count: int | None = None) -> bytes:
        return entropy.randbytes(32 if count is None else count)

    replacements: list[tuple[Any, str, Any]] = [
        (time, "time", wall),
        (time, "time_ns", lambda: int(wall() * 1e9)),
        (time, "monotonic", now),
        (time, "sleep", lambda _: None),
        (os, "urandom", entropy.randbytes),
        (secrets, "randbits", entropy.getrandbits),
        (secrets, "token_bytes", token_bytes),
        (secrets, "token_hex", lambda count=None: token_bytes(count).hex()),
        (os, "open", _full(os.open)),
        (os, "rename", mortal(os.rename, died)),
        (os, "unlink", mortal(os.unlink, died)),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in replacements]
    state = random.getstate()
    random.seed(entropy.getrandbits(64))
    for module, name, value in replacements:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        random.setstate(state)


def mortal(write: Callable[..., Any], died: Callable[[Program], None]) -> Callable[..., Any]:
    """Return ``write`` as a function at which the current program may be killed, before or after it."""

    def written(*arguments: Any, **named: Any) -> Any:
        program = current()
        if program is None or not program.dies_at_write():
            return write(*arguments, **named)
        if program.dies_after_write:
            write(*arguments, **named)
        died(program)
        raise Died

    return written


def _full(open_file: Callable[..., int]) -> Callable[..., int]:
    def opened(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        program = current()
        if program is not None and program.is_disk_full and flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return open_file(path, flags, *arguments, **named)

    return opened
