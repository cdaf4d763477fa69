"""Limits of tasks that the agent measures, because no control group of this host enforces them.

Memory is the resident memory of all processes of the task's session; each process counts its shared pages.
The number of pids counts processes and threads. Cores cannot be limited in this way.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from salt_o2.core.plan.launch import Limits
from salt_o2.linux import procfs

PAGE_MB = os.sysconf("SC_PAGE_SIZE") / (1024 * 1024)
NOTHING = Limits()


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """The total resource use of some processes."""

    memory_mb: float = 0.0
    pids: int = 0


def resource_use(pids: Iterable[int]) -> ResourceUse:
    """Return the total resource use of ``pids``; processes that have ended use nothing."""
    memory_mb, threads = 0.0, 0
    for pid in pids:
        memory_mb += procfs.resident_pages(pid) * PAGE_MB
        threads += procfs.thread_count(pid)
    return ResourceUse(memory_mb, threads)


def watched(limits: Limits, is_held: Callable[[str], bool]) -> Limits:
    """Return those of ``limits`` that the agent must measure, because no controller enforces them."""
    if limits == NOTHING:
        return limits
    return Limits(
        memory_mb=0.0 if is_held("memory") else limits.memory_mb,
        pids=0 if is_held("pids") else limits.pids,
    )


def limit_violation(limits: Limits, use: ResourceUse) -> str:
    """Return a description of the exceeded limit of ``limits``; empty if none."""
    if 0 < limits.memory_mb < use.memory_mb:
        return f"it used {use.memory_mb:.0f} MB of memory, and its limit is {limits.memory_mb:g} MB"
    if 0 < limits.pids < use.pids:
        return f"it had {use.pids} processes and threads, and its limit is {limits.pids}"
    return ""
