"""What control keeps on disk: environments with their plans, run numbers, and the journal.

What control is about to do is committed before it is done (``save`` with ``durable``); what it only heard
of, and could ask for again, is committed a moment later in the background.

One thread writes, the one that has opened the store. Any thread reads what is committed.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Executable, Select, Text, bindparam, cast, insert, select, update
from sqlalchemy.exc import DBAPIError

from salt_o2.control.storage import database, run_store
from salt_o2.control.storage.journal import JournalEntry, journal_row
from salt_o2.control.storage.schema import ENVIRONMENTS, JOURNAL, RUNS
from salt_o2.control.storage.stored import StoredEnvironment, StoredRun
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequestError, StorageError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import Effect
from salt_o2.core.recovery.replay import Noted
from salt_o2.core.recovery.snapshot import Snapshot

log = logging.getLogger(__name__)
LONGEST_ID = 64
"""Characters of what can be the beginning of an environment's id."""
MOST_WAITING = 2_000
"""Lines of the journal that wait for the next ``flush``."""
MOST_KEPT = 100_000
"""Lines of the journal that wait in memory while the store takes none; the oldest are dropped then."""
_UPDATE = update(ENVIRONMENTS).where(ENVIRONMENTS.c.id == bindparam("which"))
_APPEND = insert(JOURNAL)
LOCKED_S = 1.0
"""How long what must be written waits, at least, while another process holds the database."""
MOST_UNREAD = 100
"""Rows that cannot be read and are told."""
Row = TypeVar("Row", "StoredEnvironment", "StoredRun", "JournalEntry")
T = TypeVar("T")


class Origin(msgspec.Struct, frozen=True):
    """What a list of runs shows of an environment's plan."""

    workflow: str | None = None
    revision: str | None = None


MOST_RUNS = 2**32 - 1
"""The highest run number: data headers and devices have 32 bits for it."""


class Store:
    """One SQL database; SQLite in WAL mode with full sync unless the URL says otherwise."""

    def __init__(self, url: str) -> None:
        """Open the database at SQLAlchemy's ``url``, see database.py.

        Raises:
            StorageError: if it cannot be opened or written.
        """
        self._owner = threading.get_ident()
        """The only thread that may write: the lists of what is to be written have no lock."""
        self._journal: list[dict[str, Any]] = []
        self._states: dict[EnvironmentId, dict[str, Any]] = {}
        self._statements: list[Executable] = []
        self.unread: list[str] = []
        """Rows that could not be read, and are left out; one line each."""
        self._held_at: float | None = None
        """When another process was last found to hold the database, on a clock that only rises."""
        self._held_why = ""
        self.trouble = ""
        """Why nothing could be written the last time; empty if it could."""
        self._engine, self._last_run = database.open_database(url)

    def add(self, kept: StoredEnvironment, *along: Executable) -> None:
        """Keep a new environment, before anything of it is started; ``along`` is done with it, or not at all.

        Raises:
            StorageError: if the store takes nothing in.
        """
        self._check_thread()
        row = {
            "id": kept.id,
            "created": kept.created,
            "user": kept.user,
            "overrides": plain(kept.overrides),
            "plan": plain(kept.plan),
            "snapshot": plain(kept.snapshot),
        }
        with self._writing() as connection:
            connection.execute(insert(ENVIRONMENTS), row)
            for statement in along:
                connection.execute(statement)

    def append(self, environment: EnvironmentId, message: Noted, effects: Sequence[Effect] = ()) -> None:
        """Write into the journal what came in and what followed; ``save`` or ``flush`` commits it."""
        self._check_thread()
        if len(self._journal) >= MOST_WAITING and not self.trouble:
            self.flush()  # of whole steps, before this one
        self._journal.append(journal_row(environment, message.at, "in", message))
        self._journal.extend(journal_row(environment, message.at, "out", effect) for effect in effects)

    def save(
        self,
        environment: EnvironmentId,
        snapshot: Snapshot,
        ended: float | None = None,
        *,
        durable: bool = True,
        **changed: Any,
    ) -> None:
        """Keep the environment's state, its ``plan`` and ``shape`` if changed, and the journal so far.

        What is not ``durable`` is committed by the next ``flush``, or with the next thing that is.
        """
        self._check_thread()
        values = {"snapshot": plain(snapshot), "ended": ended}
        values |= {name: plain(value) for name, value in changed.items()}
        self._states[environment] = self._states.get(environment, {}) | values
        if durable:
            self.flush()

    def enqueue(self, *statements: Executable) -> None:
        """Do this with the next thing that is committed."""
        self._check_thread()
        self._statements += statements

    def flush(self) -> None:
        """Commit everything up to here, in one transaction.

        What cannot be written is kept for the next time, and ``trouble`` says why: what runs must go on.
        While another process holds the database, it is asked for once in ``LOCKED_S``.
        """
        self._check_thread()
        if self._is_held():
            return
        states, self._states = self._states, {}
        statements, self._statements = self._statements, []
        entries, self._journal = self._journal, []
        if not (states or statements or entries):
            return
        try:
            self._commit(states, statements, entries)
        except DBAPIError as error:
            self._states = {**states, **self._states}
            self._statements = statements + self._statements
            self._journal = (entries + self._journal)[-MOST_KEPT:]
            why = self._note_held(error)
            if not self.trouble:
                log.critical("%s", why)
            self.trouble = why
            return
        if self.trouble:
            log.warning("the store can be written again")
        self.trouble, self._held_at = "", None

    def ensure_writable(self) -> None:
        """Make sure that what is begun now can be kept.

        Raises:
            StorageError: if the store takes nothing in.
        """
        self._check_thread()
        if self.trouble:
            self.flush()
        if self.trouble:
            raise StorageError(self.trouble)

    def _commit(
        self,
        states: dict[EnvironmentId, dict[str, Any]],
        statements: list[Executable],
        entries: list[dict[str, Any]],
    ) -> None:
        with self._engine.begin() as connection:
            for environment, values in states.items():
                connection.execute(_UPDATE, {"which": environment, **values})
            for statement in statements:
                connection.execute(statement)
            if entries:
                connection.execute(_APPEND, entries)

    def reserve_run(self) -> int:
        """Return a run number that was never given before, and is never given again.

        Raises:
            StorageError: if that cannot be kept; then no number is given.
        """
        self._check_thread()
        number = self._last_run + 1
        if number > MOST_RUNS:
            raise StorageError(f"all run numbers up to {MOST_RUNS} were given out: no run can start")
        with self._writing() as connection:
            connection.execute(run_store.counted(number))
        self._last_run = number
        return number

    def open_run(self, number: int, environment: EnvironmentId, at: float, user: str = "") -> None:
        """Note that a run began; it is committed with what follows from that."""
        self.enqueue(run_store.opened(number, environment, at, user))

    @property
    def last_run(self) -> int:
        """The highest run number that was given out, as far as this store knows."""
        return self._last_run

    def raise_run_counter(self, least: int) -> None:
        """Let the next run number be above ``least``; it never goes back."""
        self._check_thread()
        if least > self._last_run:
            log.warning("runs up to %d were somewhere else: numbers go on above", least)
            self._last_run = least
            self.enqueue(run_store.counted(least))
            self.flush()

    def end_run(self, number: int, at: float) -> None:
        """Note when a run ended; the next ``flush`` commits it."""
        self.enqueue(run_store.ended(number, at))

    def runs(self, limit: int = 100) -> list[StoredRun]:
        """Return the last runs, newest first."""
        query = select(RUNS).order_by(RUNS.c.number.desc()).limit(limit)
        return self._rows(query, StoredRun)

    def run(self, number: int) -> StoredRun | None:
        """Return one run."""
        return next(iter(self._rows(select(RUNS).where(RUNS.c.number == number), StoredRun)), None)

    def journal(
        self, environment: EnvironmentId, until: float | None = None, kind: str = "", since: float = 0.0
    ) -> list[JournalEntry]:
        """Return what came in and went out, oldest first, between two times in seconds since the epoch.

        All of it, or only what is of one ``kind``. Only what is committed: ``flush`` before, on the thread
        that writes, to have all.
        """
        query = select(JOURNAL).where(JOURNAL.c.environment == environment).order_by(JOURNAL.c.id)
        if until is not None:
            query = query.where(JOURNAL.c.at <= until)
        if since:
            query = query.where(JOURNAL.c.at >= since)
        if kind:
            query = query.where(JOURNAL.c.kind == kind)
        return self._rows(query, JournalEntry)

    def active(self) -> list[StoredEnvironment]:
        """Return the environments that have not ended, oldest first."""
        return self._select(ENVIRONMENTS.c.ended.is_(None))

    def ended(self, limit: int = 100) -> list[StoredEnvironment]:
        """Return the environments that have ended, oldest first, the last ``limit`` of them."""
        query = select(ENVIRONMENTS).where(ENVIRONMENTS.c.ended.is_not(None))
        return self._rows(query.order_by(ENVIRONMENTS.c.created.desc()).limit(limit), StoredEnvironment)[::-1]

    def find(self, environment: EnvironmentId) -> StoredEnvironment | None:
        """Return one environment, ended or not."""
        return next(iter(self._select(ENVIRONMENTS.c.id == environment)), None)

    def ids_beginning(self, prefix: str) -> list[EnvironmentId]:
        """Return the ids of all environments, ended or not, that begin with ``prefix``, oldest first."""
        if len(prefix) > LONGEST_ID:
            return []  # SQLite refuses long patterns, which would look like a fault of the store
        query = select(ENVIRONMENTS.c.id).where(ENVIRONMENTS.c.id.startswith(prefix, autoescape=True))
        found = (str(id) for (id,) in self.read(query.order_by(ENVIRONMENTS.c.created)))
        return [EnvironmentId(id) for id in found if id.startswith(prefix)]  # LIKE does not tell A from a

    def origins(self, environments: Collection[EnvironmentId]) -> dict[EnvironmentId, Origin]:
        """Return which workflow each of ``environments`` was made from; nothing else of plans is decoded.

        One that is not known, or cannot be read, is left out.
        """
        texts = select(ENVIRONMENTS.c.id, cast(ENVIRONMENTS.c.plan, Text))
        rows = self.read(texts.where(ENVIRONMENTS.c.id.in_(environments)))
        found: dict[EnvironmentId, Origin] = {}
        for id, text in rows:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                found[EnvironmentId(id)] = msgspec.json.decode(text, type=Origin)
        return found

    def close(self) -> None:
        """Commit what is left and close the database, see database.py."""
        self.flush()
        database.close(self._engine)

    def _select(self, condition: Any) -> list[StoredEnvironment]:
        return self._rows(
            select(ENVIRONMENTS).where(condition).order_by(ENVIRONMENTS.c.created), StoredEnvironment
        )

    def _rows(self, query: Any, kind: type[Row]) -> list[Row]:
        names = tuple(kind.__dataclass_fields__)
        with self._reading() as connection:
            rows = connection.execute(query).mappings()
            read = [self.read_row({name: row[name] for name in names}, kind) for row in rows]
        return [row for row in read if row is not None]

    def read_row(self, row: Any, kind: type[T]) -> T | None:
        """Return a row as a ``kind``; one that cannot be read is left out, and told."""
        try:
            return typed(row, kind)
        except InvalidRequestError as error:
            known = row if isinstance(row, Mapping) else {}
            name = next((known[key] for key in ("id", "number") if key in known), "row")
            self.leave_out(f"the store's {kind.__name__} {name} cannot be read and is left out: {error}")
            return None

    def leave_out(self, told: str) -> None:
        """Have it shown that a row cannot be used, and why."""
        if told not in self.unread and len(self.unread) < MOST_UNREAD:
            log.error("%s", told)
            self.unread.append(told)

    def read(self, query: Select[Any]) -> list[Any]:
        """Return the rows of ``query``; only what is committed."""
        with self._reading() as connection:
            return list(connection.execute(query))

    def stream(self, query: Select[Any], count: int) -> Iterator[Any]:
        """Return the rows of ``query`` one by one, at most ``count`` of them in memory. For any thread."""
        with self._engine.connect() as connection:
            yield from connection.execution_options(yield_per=count).execute(query)

    def write(self, statement: Executable) -> None:
        """Commit ``statement`` at once, in a transaction of its own. For any thread.

        Raises:
            DBAPIError: if the store takes nothing in.
        """
        with self._engine.begin() as connection:
            connection.execute(statement)

    def has_ended(self, environment: EnvironmentId) -> bool:
        """Return whether this store knows ``environment``, and that it has ended."""
        query = select(ENVIRONMENTS.c.ended).where(ENVIRONMENTS.c.id == environment)
        with self._reading() as connection:
            return connection.execute(query).scalar() is not None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Yield a connection to write by, in one transaction.

        While another process holds the database, it is tried once in ``LOCKED_S``: all else waits with it.

        Raises:
            StorageError: if the store takes nothing in; then nothing is written.
        """
        if self._is_held():
            raise StorageError(self._held_why)
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageError(self._note_held(error)) from error

    def _check_thread(self) -> None:
        """Make sure that this is the thread that has opened the store.

        Raises:
            RuntimeError: if it is another one; this is a defect of the caller.
        """
        if threading.get_ident() != self._owner:
            raise RuntimeError("control's store is written by the thread that has opened it, and by no other")

    def _is_held(self) -> bool:
        """Return whether another process was found to hold the database a moment ago."""
        return self._held_at is not None and time.monotonic() - self._held_at < LOCKED_S

    def _note_held(self, error: DBAPIError) -> str:
        """Return what ``error`` means, and remember it if another process holds the database."""
        why = database.words(self._engine.url, error)
        if database.is_locked(error):
            self._held_at, self._held_why = time.monotonic(), why
        else:
            self._held_at = None
        return why

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Yield a connection to read by.

        Raises:
            StorageError: if the database cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageError(database.words(self._engine.url, error)) from error
