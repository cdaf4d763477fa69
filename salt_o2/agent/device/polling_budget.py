"""How often the agent polls devices that do not announce their state.

An answer costs a device and its agent a few milliseconds of the processors that data taking needs. So the
devices of a host share one budget. The agent polls each device every second as long as the budget allows it.
"""

import os
from types import TracebackType
from typing import Self

SHORTEST_S = 1.0
PER_CORE = 10
"""Polls per second and core: they use two or three percent of the core."""


class PollingBudget:
    """The polled devices of one host; use it as a context manager while a device is polled."""

    def __init__(self, cores: int = 0) -> None:
        """Set the budget for ``cores``, by default the number of cores of this host."""
        self._most = PER_CORE * (cores or len(os.sched_getaffinity(0)))
        self._devices = 0

    @property
    def period_s(self) -> float:
        """The seconds between two polls of the same device."""
        return max(SHORTEST_S, self._devices / self._most)

    def __enter__(self) -> Self:
        """Add one polled device."""
        self._devices += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove one polled device."""
        self._devices -= 1
