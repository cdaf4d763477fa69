"""A damaged database: put aside, with what can still be read of its counters.

A damaged one cannot be used, and one that was silently replaced would be a lie. So it is kept under another
name, an empty one takes its place, and what still runs on the hosts is left alone until somebody decides:
``salt-run o2.rebuild``.
"""

import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

log = logging.getLogger(__name__)
BESIDE = ("", "-wal", "-shm")
"""What belongs to one SQLite database."""


def quarantine(database: Path) -> tuple[Path, int]:
    """Rename the files of ``database``; return its new name and the last run number it still tells, or 0.

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
        "the store %s is damaged and was put aside as %s; running environments are left alone, and "
        "`salt-run o2.rebuild` makes them known again. The last run number that could be read is %d",
        database, aside, last_run,
    )  # fmt: skip
    return aside, last_run


def _last_run(database: Path) -> int:
    """Read what can be read: damage is mostly elsewhere."""
    queries = ("SELECT value FROM counters WHERE name = 'run'", "SELECT max(number) FROM runs")
    found = 0
    for query in queries:
        with suppress(sqlite3.Error), closing(sqlite3.connect(database)) as connection:
            row = connection.execute(query).fetchone()
            found = max(found, int(row[0]) if row and row[0] else 0)
    return found
