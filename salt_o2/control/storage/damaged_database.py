"""Quarantine a damaged database, and read its counters where possible.

A damaged database is renamed, never deleted. Control continues with an empty one, and stops no running task
until an operator runs ``salt-run o2.rebuild``.
"""

import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

log = logging.getLogger(__name__)
BESIDE = ("", "-wal", "-shm")
"""Suffixes of the files of one SQLite database."""


def quarantine(database: Path) -> tuple[Path, int]:
    """Rename the files of ``database``; return its new name and the last run number in it, or 0.

    Raises:
        OSError: if they cannot be renamed.
    """
    number = 1
    while (aside := database.with_name(f"{database.name}.damaged-{number}")).exists():
        number += 1
    last_run = _last_run(database)
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            database.with_name(database.name + ending).rename(aside.with_name(aside.name + ending))
    log.critical(
        "the store %s is damaged and was moved to %s; running environments continue, and "
        "`salt-run o2.rebuild` makes them known again. The last run number that could be read is %d",
        database, aside, last_run,
    )  # fmt: skip
    return aside, last_run


def _last_run(database: Path) -> int:
    """Return the highest run number that can be read: damage mostly affects other pages."""
    queries = ("SELECT value FROM counters WHERE name = 'run'", "SELECT max(number) FROM runs")
    found = 0
    for query in queries:
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            row = connection.execute(query).fetchone()
            found = max(found, int(row[0]) if row and row[0] else 0)
    return found
