"""Bound the journal by age and by rows, without deleting rows that are still needed.

    Retention.run, every hour --thread--> cut_journal: one ended environment after the other, oldest first
                                            a few rows in each transaction, with a pause after it

The journal of an active environment is never cut. Of an ended environment, the rows stay from which control
reads the records of its runs: its creation and modifications (``env_diff`` of runs), and for each run the
first command that began it, the first command that ended it, and the states with their reasons
(``run_show``). Environments, runs and their numbers are never deleted. A row of kind ``Cut`` marks the gap in
the history.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import DBAPIError

from salt_o2.control.storage.schema import ENVIRONMENTS, JOURNAL
from salt_o2.control.storage.store import Store
from salt_o2.core.ids import POOL, EnvironmentId
from salt_o2.core.recovery.replay import HOSTS
from salt_o2.core.states import TaskState
from salt_o2.site.journal_limits import JournalLimits

log = logging.getLogger(__name__)
LOOK_S = 3600.0
"""Seconds between two checks of the journal."""
CHUNK = 200
"""Rows of one transaction: control's own writes wait for one transaction at most."""
PAUSE_S = 0.02
"""Seconds between two transactions, in which control can write."""
REST_S = 60.0
"""Seconds after the end of an environment in which control may still write its last rows."""
DAY_S = 86_400.0
CUT = "Cut"
PLANS = ("Created", "Modified")
KEPT = (*PLANS, "AnnounceState", CUT)
"""Kinds of rows that are never deleted."""
OWNERLESS = (POOL, HOSTS)
"""Journals that belong to no environment; only age bounds them."""


class Retention:
    """Keeps the journal of one store within its limits."""

    def __init__(self, store: Store, keep: JournalLimits, clock: Callable[[], float] = time.time) -> None:
        """Apply the limits ``keep`` to the journal in ``store``."""
        self._store, self._keep, self._clock = store, keep, clock
        self._cut: set[EnvironmentId] = set()
        self._stop = threading.Event()

    async def run(self) -> None:
        """Check the journal periodically, until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_S)
        finally:
            self._stop.set()  # otherwise the process waits for the thread at its end

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self.cut_journal)
        except DBAPIError as error:
            log.warning("the journal is not cut now; the next try is in %g s: %s", LOOK_S, error)

    def cut_journal(self) -> int:
        """Delete the rows beyond the limits; return their number. Call it in a thread.

        One pass over the index of the journal, and over the rows of the environments that are cut.
        """
        at, rows = self._clock(), self._rows()
        excess = sum(rows.values()) - self._keep.keep_rows if self._keep.keep_rows > 0 else 0
        oldest = at - self._keep.keep_days * DAY_S if self._keep.keep_days > 0 else 0.0
        deleted = sum(self._cut_before(owner, oldest) for owner in OWNERLESS if owner in rows)
        for environment, ended in self._candidates(at - REST_S):
            if self._stop.is_set() or not (ended < oldest or deleted < excess):
                break  # the remaining environments ended later
            if environment in rows:
                deleted += self._cut_one(environment, at)
        if deleted:
            log.info("%d rows of the journal were deleted: see o2:journal", deleted)
        return deleted

    def _rows(self) -> dict[EnvironmentId, int]:
        counted = select(JOURNAL.c.environment, func.count()).group_by(JOURNAL.c.environment)
        return {EnvironmentId(name): int(count) for name, count in self._store.read(counted)}

    def _candidates(self, before: float) -> list[tuple[EnvironmentId, float]]:
        """Return the environments that have ended and were not cut yet, in the order of their ends."""
        found = select(ENVIRONMENTS.c.id, ENVIRONMENTS.c.ended).where(ENVIRONMENTS.c.ended < before)
        ended = self._store.read(found.order_by(ENVIRONMENTS.c.ended))
        return [(EnvironmentId(name), when) for name, when in ended if name not in self._cut]

    def _cut_one(self, environment: EnvironmentId, at: float) -> int:
        """Cut the journal of one ended environment; return the number of deleted rows.

        The mark is written first, so that a partly cut journal never appears complete. If control ends during
        a cut, the next control process completes it.
        """
        mine = select(JOURNAL.c.id, JOURNAL.c.kind).where(JOURNAL.c.environment == environment)
        orders = self._orders_of_runs(environment)
        outdated = [
            id for id, kind in self._store.stream(mine, CHUNK) if kind not in KEPT and id not in orders
        ]
        if outdated:
            body = msgspec.json.encode({"rows": len(outdated)}).decode()
            mark = {"at": at, "environment": environment, "direction": "out", "kind": CUT, "body": body}
            self._store.write(insert(JOURNAL).values(mark))
            self._delete(outdated)
        if not self._stop.is_set():
            self._cut.add(environment)
        return len(outdated)

    def _orders_of_runs(self, environment: EnvironmentId) -> set[int]:
        """Return the rows from which a run's record shows the arguments pushed at its start and end."""
        orders = select(JOURNAL.c.id, JOURNAL.c.body).order_by(JOURNAL.c.id)
        orders = orders.where(JOURNAL.c.environment == environment, JOURNAL.c.kind == "SendCommand")
        needed: set[int] = set()
        run, goes_on = "", False
        for id, body in self._store.stream(orders, CHUNK):
            command = msgspec.json.decode(body, type=_Drive).command
            number = command.arguments.get("run_number", "")
            if number and number != run:
                run, goes_on = number, True
                needed.add(id)
            elif goes_on and not number and _ends_a_run(command):
                goes_on = False
                needed.add(id)
        return needed

    def _cut_before(self, owner: EnvironmentId, oldest: float) -> int:
        old = select(JOURNAL.c.id).where(JOURNAL.c.environment == owner, JOURNAL.c.at < oldest)
        outdated = [id for (id,) in self._store.read(old)]
        self._delete(outdated)
        return len(outdated)

    def _delete(self, outdated: Sequence[int]) -> None:
        for first in range(0, len(outdated), CHUNK):
            self._store.write(delete(JOURNAL).where(JOURNAL.c.id.in_(outdated[first : first + CHUNK])))
            if self._stop.wait(PAUSE_S):
                return


class _Command(msgspec.Struct):
    """The inspected fields of a command."""

    goal: str
    arguments: dict[str, str] = {}


class _Drive(msgspec.Struct):
    command: _Command


def _ends_a_run(command: _Command) -> bool:
    return command.goal == TaskState.CONFIGURED and "run_end_time_ms" in command.arguments
