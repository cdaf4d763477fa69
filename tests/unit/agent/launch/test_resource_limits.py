"""Limits of tasks: what is watched, and what counts as too much."""

import os

import pytest

from salt_o2.agent.launch.resource_limits import ResourceUse, limit_violation, resource_use, watched
from salt_o2.core.plan.launch import Limits

LIMITS = Limits(cpu=1.0, memory_mb=100.0, pids=10)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (ResourceUse(100.0, 10), ""),
        (ResourceUse(101.0, 1), "101 MB of memory, and its limit is 100 MB"),
        (ResourceUse(1.0, 11), "11 processes and threads, and its limit is 10"),
        (ResourceUse(), ""),
    ],
    ids=["just-within", "memory", "pids", "gone"],
)
def test_use_above_a_limit_is_a_violation_and_use_up_to_the_limit_is_none(use, said):
    assert said in limit_violation(LIMITS, use)
    assert bool(said) == bool(limit_violation(LIMITS, use))


def test_a_missing_limit_is_never_exceeded():
    assert limit_violation(Limits(), ResourceUse(1e9, 1_000_000)) == ""


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ((), Limits(memory_mb=100.0, pids=10)),
        (("memory",), Limits(pids=10)),
        (("memory", "pids", "cpu"), Limits()),
    ],
    ids=["nothing-held", "memory-held", "all-held"],
)
def test_limits_that_the_kernel_enforces_are_not_watched(held, left):
    assert watched(LIMITS, lambda controller: controller in held) == left


def test_use_is_the_sum_over_running_processes():
    alone = resource_use([os.getpid()])
    assert alone.memory_mb > 1
    assert alone.pids >= 1
    assert resource_use([os.getpid(), 2**22 - 1]).pids == alone.pids
    assert resource_use([os.getpid()] * 2).pids == 2 * alone.pids
