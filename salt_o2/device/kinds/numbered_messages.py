"""Numbered messages, by which a sink detects missing messages.

A sampler writes ``Hello #17 of sampler.4242``. A processor appends its text after that.
"""

import re

PATTERN = re.compile(rb" #(\d+) of (\S+)")
REMEMBERED = 100_000
"""Maximum number of remembered missing numbers. A late message removes its number from them."""


def write(text: str, number: int, source: str) -> bytes:
    """Return message ``number`` of ``source``."""
    return f"{text} #{number} of {source}".encode()


def read(message: bytes) -> tuple[str, int] | None:
    """Return source and number of a message; None if it has no number."""
    match = PATTERN.search(message)
    return (match[2].decode(errors="replace"), int(match[1])) if match else None


class Account:
    """Numbers received from one source, in any order: parallel paths reorder them."""

    def __init__(self) -> None:
        """Start with the first received number, whatever it is."""
        self.first = self.next = self._mark = -1
        self.repeated = 0
        self._missing: set[int] = set()
        self._forgotten = 0

    @property
    def missing(self) -> int:
        """Count of numbers between the lowest and the highest received that have not arrived."""
        return len(self._missing) + self._forgotten

    def overdue(self) -> int:
        """Count of numbers missing now and at the previous call. Newer ones may be in transit."""
        found = sum(number < self._mark for number in self._missing) + self._forgotten
        self._mark = self.next
        return found

    def see(self, number: int) -> None:
        """Record that ``number`` arrived."""
        if self.first < 0:
            self.first, self.next = number, number + 1
        elif number >= self.next:
            self._miss(self.next, number)
            self.next = number + 1
        elif number < self.first:
            self._miss(number + 1, self.first)
            self.first = number
        elif number in self._missing:
            self._missing.remove(number)
        else:
            self.repeated += 1

    def _miss(self, begin: int, end: int) -> None:
        room = max(0, REMEMBERED - len(self._missing))
        self._missing.update(range(begin, min(end, begin + room)))
        self._forgotten += max(0, end - begin - room)
