"""The steps that are measured, and their times."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STEPS = ("bring-up", "configure", "start", "stop", "reset", "teardown")


@dataclass
class Times:
    """Seconds of each step of one measurement."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Measure the code inside."""
        begin = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - begin
