"""The highest run number that ever reached this host, for the day when control has lost its store.

<directory>/last_run    one number

Every agent tells it with each survey, and control counts on from the highest it hears of: so no number comes
twice although the store is gone, or one of last week has been put in its place.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from salt_o2.linux import atomic_file

log = logging.getLogger(__name__)


class LastRunNumber:
    """The number, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        """Read ``path``; what is not there, or no number, is 0."""
        self._path = path
        self.number = max(_read(path), _read(atomic_file.aside(path)))

    def record(self, arguments: Mapping[str, str]) -> None:
        """Take in what is pushed to tasks: START's arguments tell the run number."""
        told = arguments.get("run_number", "")
        number = int(told) if told.isdecimal() else 0
        if number <= self.number:
            return
        self.number = number
        try:
            atomic_file.put(self._path, f"{number}\n".encode())
        except OSError as error:
            log.error(
                "%s cannot be written: %s; other hosts know run number %d too", self._path, error, number
            )


def _read(path: Path) -> int:
    try:
        told = path.read_text(errors="replace").strip()
    except OSError:
        return 0
    return int(told) if told.isdecimal() else 0
