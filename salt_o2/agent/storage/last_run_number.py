"""The highest run number that ever reached this host, in case control loses its store.

<directory>/last_run    one number

Every agent reports the number with each survey, and control continues from the highest one. So no number is
used twice, even if the store is lost or replaced by one of last week.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from salt_o2.linux import atomic_file

log = logging.getLogger(__name__)


class LastRunNumber:
    """The number, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        """Read ``path``; a missing file or invalid number counts as 0."""
        self._path = path
        self.number = max(_read(path), _read(atomic_file.aside(path)))

    def record(self, arguments: Mapping[str, str]) -> None:
        """Record the run number in ``arguments`` that are sent to tasks: START's arguments contain it."""
        text = arguments.get("run_number", "")
        number = int(text) if text.isdecimal() else 0
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
        text = path.read_text(errors="replace").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0
