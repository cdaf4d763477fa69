"""Runs in the store, as statements: a number that is given, its end, and the counter that only rises."""

from sqlalchemy import Executable, case, insert, update

from salt_o2.control.schema import COUNTERS, RUN, RUNS
from salt_o2.core.ids import EnvironmentId


def given(number: int, environment: EnvironmentId, at: float, user: str) -> list[Executable]:
    """Return what keeps that ``number`` was given to a run of ``environment``."""
    row = {"number": number, "environment": environment, "started": at, "user": user}
    return [insert(RUNS).values(row), counted(number)]


def counted(number: int) -> Executable:
    """Return what raises the counter to ``number``; it never goes back."""
    counter = update(COUNTERS).where(COUNTERS.c.name == RUN, COUNTERS.c.value < number)
    return counter.values(value=number)


def ended(number: int, at: float) -> Executable:
    """Return what keeps when a run ended: never before it started, if the clock has been put back."""
    end = case((RUNS.c.started > at, RUNS.c.started), else_=at)
    return update(RUNS).where(RUNS.c.number == number).values(ended=end)
