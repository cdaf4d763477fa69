"""Runs on disk: the counter of run numbers, which only increases, and the begin and end of each run."""

import logging

from sqlalchemy import Executable, case, exists, insert, literal, select, update

from salt_o2.control.storage.schema import COUNTERS, RUN, RUNS
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredRun
from salt_o2.core.errors import StorageError
from salt_o2.core.ids import EnvironmentId

log = logging.getLogger(__name__)

MOST_RUNS = 2**32 - 1
"""The highest run number: data headers and devices store it in 32 bits."""


class RunStore:
    """The runs of one store. Only the thread that opened the store may write."""

    def __init__(self, store: Store) -> None:
        """Read the counter of run numbers from ``store``."""
        self._store = store
        (counter,) = store.read(select(COUNTERS.c.value).where(COUNTERS.c.name == RUN))
        self._last_run = int(counter[0])

    @property
    def last_run(self) -> int:
        """The highest run number ever given, according to this store."""
        return self._last_run

    def reserve_run(self) -> int:
        """Return a run number that was never given before, and is never given again.

        Raises:
            StorageError: if the number cannot be persisted; then no number is given.
        """
        number = self._last_run + 1
        if number > MOST_RUNS:
            raise StorageError(f"all run numbers up to {MOST_RUNS} are used: no run can start")
        self._store.commit(_raised(number))
        self._last_run = number
        return number

    def raise_run_counter(self, least: int) -> None:
        """Raise the run counter to ``least`` at least; it never decreases."""
        if least > self._last_run:
            self._store.enqueue(_raised(least))
            log.warning("another control has given runs up to %d: run numbers continue above it", least)
            self._last_run = least
            self._store.flush()

    def open_run(self, number: int, environment: EnvironmentId, at: float, user: str = "") -> None:
        """Record the begin of a run; the next ``flush`` of the store commits it.

        Nothing happens if the run is recorded already: control was restarted while the run began.
        """
        row = {RUNS.c.number: number, RUNS.c.environment: environment, RUNS.c.started: at, RUNS.c.user: user}
        values = select(*(literal(value, column.type) for column, value in row.items()))
        absent = ~exists().where(RUNS.c.number == number)
        self._store.enqueue(insert(RUNS).from_select(list(row), values.where(absent)))

    def end_run(self, number: int, at: float) -> None:
        """Record the end of a run; the next ``flush`` of the store commits it.

        The end is never before the start, even if the clock went back.
        """
        end = case((RUNS.c.started > at, RUNS.c.started), else_=at)
        self._store.enqueue(update(RUNS).where(RUNS.c.number == number).values(ended=end))

    def runs(self, limit: int = 100) -> list[StoredRun]:
        """Return the last runs, newest first. For any thread."""
        return self._store.rows(select(RUNS).order_by(RUNS.c.number.desc()).limit(limit), StoredRun)

    def run(self, number: int) -> StoredRun | None:
        """Return one run. For any thread."""
        return next(iter(self._store.rows(select(RUNS).where(RUNS.c.number == number), StoredRun)), None)


def _raised(number: int) -> Executable:
    """Return the statement that raises the counter to ``number``; it never lowers it."""
    counter = update(COUNTERS).where(COUNTERS.c.name == RUN, COUNTERS.c.value < number)
    return counter.values(value=number)
