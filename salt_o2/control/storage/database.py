"""Open and close control's database; create it if missing, or refuse it with the reason."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import URL, Engine, create_engine, event, insert, make_url, select, update
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from salt_o2.control.storage.damaged_database import quarantine
from salt_o2.control.storage.schema import COUNTERS, ENVIRONMENTS, METADATA, RUN
from salt_o2.core.errors import StorageError
from salt_o2.core.url_masking import HIDDEN, without_password

BUSY_MS = 500
"""Milliseconds that a statement waits for another process that holds the database; control waits with it."""


_WAYS = "Write one such as sqlite:////var/lib/o2/control/o2.sqlite, and start the master again"
CLOSED = "control stops and has closed its database"
"""The error for a thread that requests a connection after ``close``."""


def open_database(url: str) -> Engine:
    """Return the engine of ``url``, with all tables created and the run counter restored.

    A damaged SQLite database is quarantined and replaced by an empty one, see damaged_database.py.

    Raises:
        StorageError: if the database cannot be opened or written.
    """
    try:
        place = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise StorageError(f"o2:database {shown_url(url)} is not a URL of a database: {_WAYS}") from error
    try:
        return _try_to_open(place, 0)
    except (ArgumentError, ImportError) as error:
        raise StorageError(
            f"control's database {shown_url(url)} needs a driver that is not installed: {error}. {_WAYS}"
        ) from error
    except OperationalError as error:  # disk full, no permission, or no such folder
        raise StorageError(words(place, error)) from error
    except DatabaseError as error:  # not a database, or malformed
        if place.get_backend_name() != "sqlite" or not place.database:
            raise StorageError(words(place, error)) from error
    try:
        return _try_to_open(place, quarantine(Path(place.database))[1])
    except (DBAPIError, OSError) as error:
        raise StorageError(f"the store {place.database} is damaged and cannot be moved: {error}") from error


def close(engine: Engine) -> None:
    """Close all connections of ``engine``: idle ones now, one in use when its thread returns it.

    Requests and the retention of the journal read in threads, which may run for a moment after control's
    loops have ended. A thread that requests a connection later gets a DBAPIError.
    """

    def refuse(*_: Any) -> None:
        raise engine.dialect.loaded_dbapi.OperationalError(CLOSED)

    def drop(_: Any, record: ConnectionPoolEntry) -> None:
        record.invalidate()

    event.listen(engine, "do_connect", refuse)
    event.listen(engine.pool, "checkin", drop)
    engine.dispose()


def shown_url(url: str | URL) -> str:
    """Return the URL of a database for users, without its password.

    ``***`` replaces the password, or the whole text if it is not a URL. SQLAlchemy reads a password up to the
    last ``@``, whatever it contains.
    """
    try:
        return without_password(make_url(url).render_as_string(hide_password=True)) if url else ""
    except (ArgumentError, ValueError):
        return HIDDEN


def words(place: URL, error: DBAPIError) -> str:
    """Return the meaning of a failed write, and the remedy."""
    where = shown_url(place)
    if CLOSED in str(error.orig):
        return f"{CLOSED} {where}: repeat the request when control runs; tasks and runs are not affected"
    if is_locked(error):
        return (
            f"another process holds control's database {where} ({error.orig}). New requests are "
            f"refused; running tasks are not affected. Stop that process (fuser {place.database})"
        )
    return (
        f"cannot write to control's database {where}: {error.orig}. New requests are refused; running tasks "
        "are not affected. Free disk space, or grant control's user write access"
    )


def is_locked(error: DBAPIError) -> bool:
    """Return whether another process holds the database (https://sqlite.org/rescode.html#busy)."""
    return "is locked" in str(error.orig)


def _try_to_open(place: URL, least_run: int) -> Engine:
    engine = create_engine(place, json_serializer=_written, json_deserializer=_read)
    if place.get_backend_name() == "sqlite" and place.database:
        _make_private(Path(place.database))
    try:
        if engine.dialect.name == "sqlite":
            _harden(engine)
        METADATA.create_all(engine)
        with engine.connect() as connection:  # a read reveals damage
            connection.execute(select(ENVIRONMENTS.c.id, ENVIRONMENTS.c.ended)).all()
        _restore_counter(engine, least_run)
        return engine
    except DBAPIError:
        engine.dispose()
        raise


def _written(value: Any) -> str:
    """Return ``value`` as JSON; fast, because every modification of a plan writes all its tasks."""
    return msgspec.json.encode(value).decode()


def _read(text: str) -> Any:
    """Return the value of a JSON column; invalid JSON is returned as text, which fits no type."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return text


def _make_private(file: Path) -> None:
    """Let only control's user read the file: plans hold commands and variables."""
    with suppress(OSError):  # the caller that opens the file reports errors
        file.touch(mode=0o600)
        file.chmod(0o600)


def _restore_counter(engine: Engine, least: int) -> None:
    """Raise the counter of run numbers to ``least`` at least; it remains when rows of runs are deleted.

    The counter is always written again, so that control detects a read-only database at once.
    """
    with engine.begin() as connection:
        found = connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == RUN)).scalar()
        last = max(int(found or 0), least)
        if found is None:
            connection.execute(insert(COUNTERS).values(name=RUN, value=last))
        else:
            connection.execute(update(COUNTERS).where(COUNTERS.c.name == RUN).values(value=last))


def _harden(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")
