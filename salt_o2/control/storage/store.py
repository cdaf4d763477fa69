"""Control's data on disk: environments with their plans, and the journal. Runs are in run_store.py.

Control commits effects before it carries them out (``save`` with ``durable``). Reports, which it can request
again, are committed a moment later in the background.

Only the thread that opened the store writes. Any thread reads committed data.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Executable, Select, Text, bindparam, cast, insert, select, update
from sqlalchemy.exc import DBAPIError

from salt_o2.control.storage import database
from salt_o2.control.storage.journal import JournalEntry, journal_row
from salt_o2.control.storage.schema import ENVIRONMENTS, JOURNAL
from salt_o2.control.storage.stored import StoredEnvironment, StoredInterruption, StoredRun
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequestError, StorageError, UnknownNameError
from salt_o2.core.ids import EnvironmentId, resolve_prefix
from salt_o2.core.messages.effects import Effect
from salt_o2.core.recovery.replay import Noted
from salt_o2.core.recovery.snapshot import Snapshot

log = logging.getLogger(__name__)
LONGEST_ID = 64
"""Longest prefix of an environment's id."""
MOST_WAITING = 2_000
"""Journal rows that wait for the next ``flush`` at most."""
MOST_KEPT = 100_000
"""Journal rows kept in memory at most while the store cannot be written; the oldest are dropped."""
_UPDATE = update(ENVIRONMENTS).where(ENVIRONMENTS.c.id == bindparam("which"))
_APPEND = insert(JOURNAL)
IDS_AT_ONCE = 500
"""IDs in one query: SQLite permits some hundreds of parameters in each version."""
LOCKED_S = 1.0
"""Minimum seconds between two attempts to write while another process holds the database."""
MOST_UNREAD = 100
"""Unreadable rows that control reports at most."""
Row = TypeVar("Row", "StoredEnvironment", "StoredRun", "StoredInterruption", "JournalEntry")
T = TypeVar("T")


class Origin(msgspec.Struct, frozen=True):
    """The part of an environment's plan that a list of runs shows."""

    workflow: str | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class _Write:
    """A statement, and the rows of parameters for which it is carried out; none for a single one."""

    statement: Executable
    rows: list[Mapping[str, Any]] = field(default_factory=list)


class Store:
    """A SQL database; SQLite runs in WAL mode with full sync unless the URL says otherwise."""

    def __init__(self, url: str) -> None:
        """Open the database at SQLAlchemy's ``url``, see database.py.

        Raises:
            StorageError: if the database cannot be opened or written.
        """
        self._owner = threading.get_ident()
        """The only thread that may write: the lists of pending writes have no lock."""
        self._journal: list[dict[str, Any]] = []
        self._states: dict[EnvironmentId, dict[str, Any]] = {}
        self._statements: list[_Write] = []
        self.unread: list[str] = []
        """Rows that could not be read and are omitted; one line each."""
        self._held_at: float | None = None
        """When another process was last found to hold the database, on a monotonic clock."""
        self._held_why = ""
        self.trouble = ""
        """Why the last write failed; empty if it succeeded."""
        self._engine = database.open_database(url)

    def add(self, stored: StoredEnvironment, *along: Executable) -> None:
        """Store a new environment before any part of it starts; the transaction includes ``along``.

        Raises:
            StorageError: if the database cannot be written.
        """
        self._check_thread()
        row = {
            "id": stored.id,
            "created": stored.created,
            "user": stored.user,
            "overrides": plain(stored.overrides),
            "plan": plain(stored.plan),
            "snapshot": plain(stored.snapshot),
        }
        self.commit(insert(ENVIRONMENTS).values(row), *along)

    def append(self, environment: EnvironmentId, message: Noted, effects: Sequence[Effect] = ()) -> None:
        """Append a message and its effects to the journal; ``save`` or ``flush`` commits them."""
        self._check_thread()
        if len(self._journal) >= MOST_WAITING and not self.trouble:
            self.flush()  # before this step: a flush holds whole steps
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
        """Store the environment's state, its ``plan`` and ``shape`` if changed, and the pending journal.

        If not ``durable``, the next ``flush`` or durable write commits it.
        """
        self._check_thread()
        values = {"snapshot": plain(snapshot), "ended": ended}
        values |= {name: plain(value) for name, value in changed.items()}
        self._states[environment] = self._states.get(environment, {}) | values
        if durable:
            self.flush()

    def enqueue(self, *statements: Executable) -> None:
        """Add statements to the next transaction."""
        self._check_thread()
        self._statements += [_Write(statement) for statement in statements]

    def enqueue_rows(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add ``statement`` to the next transaction, once for each of ``rows`` and sent together."""
        self._check_thread()
        last = self._statements[-1] if self._statements else None
        if last is not None and last.statement is statement:
            last.rows.extend(rows)
        elif rows:
            self._statements.append(_Write(statement, [*rows]))

    def flush(self) -> None:
        """Commit all pending writes in one transaction.

        A failed write is repeated at the next flush, and ``trouble`` has its reason: running tasks must not
        be affected. While another process holds the database, control tries once in ``LOCKED_S``.
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
        """Ensure that control can persist a new operation.

        Raises:
            StorageError: if the database cannot be written.
        """
        self._check_thread()
        if self.trouble:
            self.flush()
        if self.trouble:
            raise StorageError(self.trouble)

    def _commit(
        self,
        states: dict[EnvironmentId, dict[str, Any]],
        statements: list["_Write"],
        entries: list[dict[str, Any]],
    ) -> None:
        with self._engine.begin() as connection:
            for environment, values in states.items():
                connection.execute(_UPDATE, {"which": environment, **values})
            for write in statements:
                connection.execute(write.statement, write.rows or None)
            if entries:
                connection.execute(_APPEND, entries)

    def journal(
        self, environment: EnvironmentId, until: float | None = None, kind: str = "", since: float = 0.0
    ) -> list[JournalEntry]:
        """Return messages and effects, oldest first, between two times in seconds since the epoch.

        Returns all rows, or only those of one ``kind``. Only committed rows are returned: to get all, call
        ``flush`` first in the thread that writes.
        """
        query = select(JOURNAL).where(JOURNAL.c.environment == environment).order_by(JOURNAL.c.id)
        if until is not None:
            query = query.where(JOURNAL.c.at <= until)
        if since:
            query = query.where(JOURNAL.c.at >= since)
        if kind:
            query = query.where(JOURNAL.c.kind == kind)
        return self.rows(query, JournalEntry)

    def active(self) -> list[StoredEnvironment]:
        """Return the environments that have not ended, oldest first."""
        return self._select(ENVIRONMENTS.c.ended.is_(None))

    def ended(self, limit: int = 100) -> list[StoredEnvironment]:
        """Return the last ``limit`` environments that have ended, oldest first."""
        query = select(ENVIRONMENTS).where(ENVIRONMENTS.c.ended.is_not(None))
        return self.rows(query.order_by(ENVIRONMENTS.c.created.desc()).limit(limit), StoredEnvironment)[::-1]

    def find(self, environment: EnvironmentId) -> StoredEnvironment | None:
        """Return one environment, active or ended."""
        return next(iter(self._select(ENVIRONMENTS.c.id == environment)), None)

    def ids_beginning(self, prefix: str) -> list[EnvironmentId]:
        """Return the ids of all environments, active or ended, that begin with ``prefix``, oldest first."""
        if len(prefix) > LONGEST_ID:
            return []  # SQLite refuses long patterns, which would look like a defect of the store
        query = select(ENVIRONMENTS.c.id).where(ENVIRONMENTS.c.id.startswith(prefix, autoescape=True))
        found = (str(id) for (id,) in self.read(query.order_by(ENVIRONMENTS.c.created)))
        return [EnvironmentId(id) for id in found if id.startswith(prefix)]  # LIKE ignores case

    def resolve_prefix(self, prefix: str) -> EnvironmentId:
        """Return the id of the environment, active or ended, that is or uniquely begins with ``prefix``.

        For any thread; reads only committed rows.

        Raises:
            UnknownNameError: if no environment matches, or more than one.
        """
        return resolve_prefix(prefix, self.ids_beginning(prefix) if prefix else [], "known environment")

    def find_by_prefix(self, prefix: str) -> StoredEnvironment:
        """Return the environment that ``prefix`` names, see ``resolve_prefix``.

        For any thread except the one of an event loop: it decodes the whole plan.

        Raises:
            UnknownNameError: if no environment matches, or more than one, or its row cannot be read.
        """
        id = self.resolve_prefix(prefix)
        stored = self.find(id)
        if stored is None:
            raise UnknownNameError(f"the row of environment {id} in control's store cannot be read: see info")
        return stored

    def origins(self, environments: Collection[EnvironmentId]) -> dict[EnvironmentId, Origin]:
        """Return the workflow of each of ``environments``; no other part of their plans is decoded.

        Environments that are unknown or unreadable are omitted.
        """
        texts = select(ENVIRONMENTS.c.id, cast(ENVIRONMENTS.c.plan, Text))
        rows = self.read(texts.where(ENVIRONMENTS.c.id.in_(environments)))
        found: dict[EnvironmentId, Origin] = {}
        for id, text in rows:
            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                found[EnvironmentId(id)] = msgspec.json.decode(text, type=Origin)
        return found

    def close(self) -> None:
        """Commit pending writes and close the database, see database.py."""
        self.flush()
        database.close(self._engine)

    def _select(self, condition: Any) -> list[StoredEnvironment]:
        return self.rows(
            select(ENVIRONMENTS).where(condition).order_by(ENVIRONMENTS.c.created), StoredEnvironment
        )

    def rows(self, query: Any, kind: type[Row]) -> list[Row]:
        """Return the committed rows of ``query`` as values of ``kind``; unreadable rows are omitted."""
        names = tuple(kind.__dataclass_fields__)
        with self._reading() as connection:
            rows = connection.execute(query).mappings()
            read = [self.read_row({name: row[name] for name in names}, kind) for row in rows]
        return [row for row in read if row is not None]

    def read_row(self, row: Any, kind: type[T]) -> T | None:
        """Return a row as a ``kind``; ``None`` for an unreadable row, which is omitted and reported."""
        try:
            return typed(row, kind)
        except InvalidRequestError as error:
            known = row if isinstance(row, Mapping) else {}
            name = next((known[key] for key in ("id", "number") if key in known), "row")
            self.leave_out(f"the store's {kind.__name__} {name} cannot be read and is omitted: {error}")
            return None

    def leave_out(self, fault: str) -> None:
        """Report that a row cannot be used, and why."""
        if fault not in self.unread and len(self.unread) < MOST_UNREAD:
            log.error("%s", fault)
            self.unread.append(fault)

    def read(self, query: Select[Any]) -> list[Any]:
        """Return the committed rows of ``query``."""
        with self._reading() as connection:
            return list(connection.execute(query))

    def stream(self, query: Select[Any], count: int) -> Iterator[Any]:
        """Yield the rows of ``query``, with at most ``count`` of them in memory. For any thread."""
        with self._engine.connect() as connection:
            yield from connection.execution_options(yield_per=count).execute(query)

    def write(self, statement: Executable) -> None:
        """Commit ``statement`` at once, in a transaction of its own. For any thread.

        Raises:
            DBAPIError: if the database cannot be written.
        """
        with self._engine.begin() as connection:
            connection.execute(statement)

    def ended_among(self, environments: Collection[EnvironmentId]) -> set[EnvironmentId]:
        """Return those of ``environments`` that this store has and that have ended. O(environments)."""
        wanted = list(environments)
        ended: set[EnvironmentId] = set()
        with self._reading() as connection:
            for first in range(0, len(wanted), IDS_AT_ONCE):
                some = wanted[first : first + IDS_AT_ONCE]
                query = select(ENVIRONMENTS.c.id).where(
                    ENVIRONMENTS.c.id.in_(some), ENVIRONMENTS.c.ended.is_not(None)
                )
                ended.update(EnvironmentId(id) for id in connection.execute(query).scalars())
        return ended

    def commit(self, *statements: Executable) -> None:
        """Commit ``statements`` at once, in one transaction.

        While another process holds the database, control tries once in ``LOCKED_S``, because its loop waits
        as well.

        Raises:
            StorageError: if the database cannot be written; then nothing is written.
        """
        self._check_thread()
        if self._is_held():
            raise StorageError(self._held_why)
        try:
            with self._engine.begin() as connection:
                for statement in statements:
                    connection.execute(statement)
        except DBAPIError as error:
            raise StorageError(self._note_held(error)) from error

    def _check_thread(self) -> None:
        """Ensure that the current thread is the one that opened the store.

        Raises:
            RuntimeError: if it is another thread; this is a defect of the caller.
        """
        if threading.get_ident() != self._owner:
            raise RuntimeError("control's store is written by the thread that has opened it, and by no other")

    def _is_held(self) -> bool:
        """Return whether another process recently held the database."""
        return self._held_at is not None and time.monotonic() - self._held_at < LOCKED_S

    def _note_held(self, error: DBAPIError) -> str:
        """Return the meaning of ``error``, and record whether another process holds the database."""
        why = database.words(self._engine.url, error)
        if database.is_locked(error):
            self._held_at, self._held_why = time.monotonic(), why
        else:
            self._held_at = None
        return why

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """Yield a connection for reads.

        Raises:
            StorageError: if the database cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise StorageError(database.words(self._engine.url, error)) from error
