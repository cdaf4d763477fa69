"""What one computation of a template may still spend: time, and values that it makes.

Everything that an expression or a payload makes (texts, lists, mappings, what a closure returns) is charged
with its size, lists and mappings with all that is in them. So nothing can be made that is larger than the
allowance, nor many things that are larger together, however they are nested and repeated; and charges look at
the clock: that of the thread, so that neither a busy machine nor an answer that is long in coming counts.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any

from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import EVALUATION_S, MADE

CHARGES = 16
"""So many charges for one look at the clock, which costs more than they do."""


class _EvaluationBudget(threading.local):
    """The account of the computation that runs in this thread."""

    left = MADE
    charges = 0
    until = 0.0
    """When its time is over; 0 before it has spent anything."""
    deadline = float("inf")
    """When the time of all computations together is over."""


_ACCOUNT = _EvaluationBudget()


def begin() -> None:
    """Give the computation that begins now its full allowance."""
    _ACCOUNT.left = MADE
    _ACCOUNT.until = 0.0


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let all computations in this block together take so many seconds and no more."""
    before = _ACCOUNT.deadline
    _ACCOUNT.deadline = min(before, thread_time() + seconds)
    try:
        yield
    finally:
        _ACCOUNT.deadline = before


@contextmanager
def a_computation() -> Iterator[None]:
    """Give the block an account of its own, whatever goes on around it."""
    before = (_ACCOUNT.left, _ACCOUNT.until)
    begin()
    try:
        yield
    finally:
        _ACCOUNT.left, _ACCOUNT.until = before


def charged(value: Any) -> Any:
    """Return ``value``, paid for; what comes one by one is a list from now on.

    Raises:
        Refused: if the allowance is used up.
    """
    if isinstance(value, str):
        spend(len(value))
    elif isinstance(value, list | tuple | dict):
        _charge_all(value)
    elif isinstance(value, Iterator):
        return [charged(each) for each in value]
    else:
        spend(1)
    return value


def spend(size: int) -> None:
    """Take ``size`` entries or characters from the allowance; look at the clock.

    Raises:
        Refused: if the allowance or the time is used up.
    """
    account = _ACCOUNT
    account.left -= size + 1
    if account.left < 0:
        raise Refused(f"it makes more than {MADE:,} characters and entries")
    account.charges += 1
    if account.charges % CHARGES == 0 or not account.until:
        look_at_the_clock()


def look_at_the_clock() -> None:
    """Go on only if there is time left; for what makes little and takes long.

    Raises:
        Refused: if there is none.
    """
    account = _ACCOUNT
    now = thread_time()
    if not account.until:
        account.until = min(now + EVALUATION_S, account.deadline)
    if now > account.until:
        raise Refused("it takes too long" if account.until == account.deadline else _TOO_LONG)


_TOO_LONG = f"it takes longer than {EVALUATION_S:g} s"


def _charge_all(value: Any) -> None:
    """Charge for a list or mapping and all that is in it, without recursion."""
    todo = [value]
    while todo:
        found = todo.pop()
        entries = found.values() if isinstance(found, dict) else found
        spend(len(found))
        for entry in entries:
            if isinstance(entry, str):
                _ACCOUNT.left -= len(entry)
            elif isinstance(entry, list | tuple | dict):
                todo.append(entry)
