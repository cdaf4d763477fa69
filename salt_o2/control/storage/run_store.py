"""Runs on disk: the counter of run numbers, which only increases, and the begin and end of each run."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Executable,
    Select,
    Text,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from salt_o2.control.storage.schema import COUNTERS, ENVIRONMENTS, INTERRUPTIONS, RUN, RUN_ENDS, RUNS
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredInterruption, StoredRun
from salt_o2.core.codec import plain
from salt_o2.core.errors import StorageError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import BeginInterruptions, EndInterruptions, EndRun

log = logging.getLogger(__name__)

MOST_INTERRUPTIONS = 1000
"""Interruptions of a run that its record shows at most; all are stored."""
_RUNS = select(RUNS, *(column for column in RUN_ENDS.c if column.name != "number")).select_from(
    RUNS.outerjoin(RUN_ENDS, RUN_ENDS.c.number == RUNS.c.number)
)
_BEGIN = insert(INTERRUPTIONS)
_END = (
    update(INTERRUPTIONS)
    .where(
        INTERRUPTIONS.c.run == bindparam("in_run"),
        INTERRUPTIONS.c.path == bindparam("at_path"),
        INTERRUPTIONS.c.until.is_(None),
    )
    .values(until=bindparam("until"), how=bindparam("how"))
)
MOST_RUNS = 2**32 - 1
"""The highest run number: data headers and devices store it in 32 bits."""


@dataclass(frozen=True, slots=True)
class InterruptionCounts:
    """How many interruptions a run had, and how many of them are not over."""

    total: int = 0
    open: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """The runs of a list: those that fit all that is given; times in seconds since the epoch."""

    limit: int = 100
    workflow: str = ""
    """A pattern of the workflow's name, as of the shell."""
    state: str = ""
    """A state that the end led to, or RUNNING for runs that go on."""
    cause: str = ""
    since: float | None = None
    """Runs that have not ended before this time."""
    until: float | None = None
    """Runs that have started until this time."""

    def narrow(self, query: Select[Any]) -> Select[Any]:
        """Return ``query``, with the conditions of this filter."""
        if self.since is not None:
            query = query.where(RUNS.c.ended.is_(None) | (RUNS.c.ended >= self.since))
        if self.until is not None:
            query = query.where(RUNS.c.started <= self.until)
        if self.state:
            goes_on = RUNS.c.ended.is_(None)
            query = query.where(goes_on if self.state == "RUNNING" else RUN_ENDS.c.state == self.state)
        if self.cause:
            query = query.where(RUN_ENDS.c.cause == self.cause)
        if self.workflow:
            # A plan is stored as a JSON document that begins with the name of its workflow.
            begin = f'{{"workflow":"{_like(self.workflow)}","revision":%'
            plan = cast(ENVIRONMENTS.c.plan, Text).like(begin, escape="\\")
            query = query.where(exists().where(ENVIRONMENTS.c.id == RUNS.c.environment, plan))
        return query


ALL_RUNS = RunFilter()


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

    def end_run(self, ended: EndRun, at: float) -> None:
        """Record the end of a run; the next ``flush`` of the store commits it.

        The end is never before the start, even if the clock went back.
        """
        end = case((RUNS.c.started > at, RUNS.c.started), else_=at)
        row = {
            RUN_ENDS.c.number: ended.run_number,
            RUN_ENDS.c.state: ended.state,
            RUN_ENDS.c.cause: ended.cause,
            RUN_ENDS.c.by_user: ended.user,
            RUN_ENDS.c.reason: ended.reason,
            RUN_ENDS.c.failed_roles: list(ended.failed_roles),
        }
        self._store.enqueue(
            update(RUNS).where(RUNS.c.number == ended.run_number).values(ended=end),
            delete(RUN_ENDS).where(RUN_ENDS.c.number == ended.run_number),
            insert(RUN_ENDS).values(row),
        )

    def begin_interruptions(self, begun: BeginInterruptions) -> None:
        """Record that tasks do not take part any more; the next ``flush`` commits it. O(tasks)."""
        rows = [{"run": begun.run_number, **plain(each), "until": None, "how": None} for each in begun.tasks]
        self._store.enqueue_rows(_BEGIN, rows)

    def end_interruptions(self, ended: EndInterruptions) -> None:
        """Record that interruptions are over; the next ``flush`` commits it. O(tasks)."""
        rows = [
            {"in_run": ended.run_number, "at_path": each.path, "until": each.until, "how": each.how}
            for each in ended.tasks
        ]
        self._store.enqueue_rows(_END, rows)

    def runs(self, wanted: RunFilter = ALL_RUNS) -> list[StoredRun]:
        """Return the last runs that fit, newest first. For any thread."""
        query = _RUNS.order_by(RUNS.c.number.desc()).limit(wanted.limit)
        return self._store.rows(wanted.narrow(query), StoredRun)

    def run(self, number: int) -> StoredRun | None:
        """Return one run. For any thread."""
        return next(iter(self._store.rows(_RUNS.where(RUNS.c.number == number), StoredRun)), None)

    def interruptions(self, number: int, limit: int = MOST_INTERRUPTIONS) -> list[StoredInterruption]:
        """Return the last ``limit`` interruptions of a run, oldest first. For any thread."""
        query = select(INTERRUPTIONS).where(INTERRUPTIONS.c.run == number)
        newest = query.order_by(INTERRUPTIONS.c.id.desc()).limit(limit)
        return self._store.rows(newest, StoredInterruption)[::-1]

    def open_interruptions(self, number: int) -> list[StoredInterruption]:
        """Return the interruptions of a run that are not over, oldest first. For any thread."""
        query = select(INTERRUPTIONS).where(INTERRUPTIONS.c.run == number, INTERRUPTIONS.c.until.is_(None))
        return self._store.rows(query.order_by(INTERRUPTIONS.c.id), StoredInterruption)

    def count_interruptions(self, numbers: Collection[int]) -> dict[int, InterruptionCounts]:
        """Return for each of these runs how many interruptions it had; runs without one are left out."""
        counted = select(INTERRUPTIONS.c.run, func.count(), func.count(INTERRUPTIONS.c.until))
        rows = self._store.read(counted.where(INTERRUPTIONS.c.run.in_(numbers)).group_by(INTERRUPTIONS.c.run))
        return {int(run): InterruptionCounts(total, total - over) for run, total, over in rows}


def _raised(number: int) -> Executable:
    """Return the statement that raises the counter to ``number``; it never lowers it."""
    counter = update(COUNTERS).where(COUNTERS.c.name == RUN, COUNTERS.c.value < number)
    return counter.values(value=number)


def _like(pattern: str) -> str:
    """Return a pattern of the shell as one of SQL's LIKE."""
    escaped = "".join(f"\\{each}" if each in "%_\\" else each for each in pattern)
    return escaped.replace("*", "%").replace("?", "_")
