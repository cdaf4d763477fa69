"""How often the devices of a host are asked where they are, of those that do not tell.

An answer costs a device and its agent a few milliseconds of the processors that the data need. So a host's
devices share what may be spent on it; each is asked every second as long as that is not too much.
"""

import os
from types import TracebackType
from typing import Self

SHORTEST_S = 1.0
PER_CORE = 10
"""Questions a second and core: two or three hundredths of it."""


class PollingBudget:
    """The devices of one host that are asked now and then; use it as a context while one is among them."""

    def __init__(self, cores: int = 0) -> None:
        """Spend what is right for ``cores``, by default those of this host."""
        self._most = PER_CORE * (cores or len(os.sched_getaffinity(0)))
        self._devices = 0

    @property
    def period_s(self) -> float:
        """The seconds from one question to the next, to each of them."""
        return max(SHORTEST_S, self._devices / self._most)

    def __enter__(self) -> Self:
        """One more device is asked."""
        self._devices += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """One less."""
        self._devices -= 1
