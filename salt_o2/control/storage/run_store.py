"""Statements for runs: the begin of a run, its end, and the counter, which only increases."""

from sqlalchemy import Executable, case, exists, insert, literal, select, update

from salt_o2.control.storage.schema import COUNTERS, RUN, RUNS
from salt_o2.core.ids import EnvironmentId


def opened(number: int, environment: EnvironmentId, at: float, user: str) -> Executable:
    """Return the statement that records the begin of run ``number`` of ``environment``.

    It does nothing if the run is recorded already: control was restarted while the run began.
    """
    row = {RUNS.c.number: number, RUNS.c.environment: environment, RUNS.c.started: at, RUNS.c.user: user}
    values = select(*(literal(value, column.type) for column, value in row.items()))
    return insert(RUNS).from_select(list(row), values.where(~exists().where(RUNS.c.number == number)))


def counted(number: int) -> Executable:
    """Return the statement that raises the counter to ``number``; it never lowers it."""
    counter = update(COUNTERS).where(COUNTERS.c.name == RUN, COUNTERS.c.value < number)
    return counter.values(value=number)


def ended(number: int, at: float) -> Executable:
    """Return the statement that records the end of a run.

    The end is never before the start, even if the clock went back.
    """
    end = case((RUNS.c.started > at, RUNS.c.started), else_=at)
    return update(RUNS).where(RUNS.c.number == number).values(ended=end)
