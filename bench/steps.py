"""The steps that are timed, and how long each took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

STEPS = ("bring-up", "configure", "start", "stop", "reset", "teardown")


@dataclass
class Times:
    """Seconds by step, of one way of doing it."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Time what is done inside."""
        begin = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - begin
