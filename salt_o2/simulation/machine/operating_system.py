"""Clock and entropy of the operating system, exchanged for the time of one simulation.

The programs read wall clock and random numbers in many places and through libraries. Both are exchanged at
their source, so no place is missed. Each host may have a wall clock of its own.
"""

import contextlib
import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from salt_o2.simulation.machine.process import current

EPOCH = 1_700_000_000.0
"""Wall clock at the start of each simulation, in seconds since the epoch."""


@contextlib.contextmanager
def exchanged(now: Callable[[], float], entropy: Random) -> Iterator[None]:
    """Exchange clock and entropy: ``now`` is the virtual time in seconds, ``entropy`` draws all bytes."""

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
