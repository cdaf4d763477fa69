"""What a sink says of the messages that reach it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(r"rate: (?P<rate>[0-9.]+) msg/s total: (?P<total>[0-9]+) missing: (?P<missing>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages at a sink: how many a second, how many so far, how many of the numbered ones never came."""

    per_second: float
    total: int
    missing: int


def rate_of(lines: Sequence[str]) -> Rate | None:
    """Return what the last line that speaks of a rate says; ``None`` if none does."""
    for line in reversed(lines):
        if found := _LINE.search(line):
            return Rate(float(found["rate"]), int(found["total"]), int(found["missing"]))
    return None
