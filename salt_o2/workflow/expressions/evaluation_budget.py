"""Bound one computation of a template: its time, and the values that it makes.

All values of an expression or a payload (texts, lists, mappings, results of closures) are charged with their
size, lists and mappings with their contents. So no value can be larger than the allowance, nor many values
together, however they are nested and repeated. Charges also check the clock of the thread, so that neither a
busy machine nor a slow answer of a service counts.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any

from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import EVALUATION_S, MADE

CHARGES = 16
"""Number of charges for one check of the clock, which costs more than they do."""


class _EvaluationBudget(threading.local):
    """The budget of the computation in this thread."""

    left = MADE
    charges = 0
    until = 0.0
    """When its time is over; 0 before the first charge."""
    deadline = float("inf")
    """When the time of all computations together is over."""


_ACCOUNT = _EvaluationBudget()


def begin() -> None:
    """Give the computation that begins now its full allowance."""
    _ACCOUNT.left = MADE
    _ACCOUNT.until = 0.0


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit all computations in this block together to so many seconds."""
    before = _ACCOUNT.deadline
    _ACCOUNT.deadline = min(before, thread_time() + seconds)
    try:
        yield
    finally:
        _ACCOUNT.deadline = before


@contextmanager
def a_computation() -> Iterator[None]:
    """Give the block a budget of its own, independent of the computation around it."""
    before = (_ACCOUNT.left, _ACCOUNT.until)
    begin()
    try:
        yield
    finally:
        _ACCOUNT.left, _ACCOUNT.until = before


def charged(value: Any) -> Any:
    """Return ``value`` after charging for it; an iterator is returned as a list.

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
    """Subtract ``size`` entries or characters from the allowance; check the clock.

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
    """Check the remaining time; for operations that make little and take long.

    Raises:
        Refused: if the time is used up.
    """
    account = _ACCOUNT
    now = thread_time()
    if not account.until:
        account.until = min(now + EVALUATION_S, account.deadline)
    if now > account.until:
        raise Refused("it takes too long" if account.until == account.deadline else _TOO_LONG)


_TOO_LONG = f"it takes longer than {EVALUATION_S:g} s"


def _charge_all(value: Any) -> None:
    """Charge for a list or mapping and all of its contents, without recursion."""
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
    spend(0)
