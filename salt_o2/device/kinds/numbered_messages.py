"""Numbered messages, so that a sink can tell whether any is missing.

A sampler writes ``Hello #17 of sampler.4242``; what a processor appends comes after it.
"""

import re

PATTERN = re.compile(rb" #(\d+) of (\S+)")
REMEMBERED = 100_000
"""Missing numbers that are remembered, to be taken back if they come late."""


def write(text: str, number: int, source: str) -> bytes:
    """Return the message that ``source`` sends as its ``number``-th."""
    return f"{text} #{number} of {source}".encode()


def read(message: bytes) -> tuple[str, int] | None:
    """Return the source and the number of a message, or None if it has none."""
    match = PATTERN.search(message)
    return (match[2].decode(errors="replace"), int(match[1])) if match else None


class Account:
    """The numbers seen from one source, in any order: parallel paths mix them up."""

    def __init__(self) -> None:
        """Begin with the first number that comes, whatever it is."""
        self.first = self.next = self._mark = -1
        self.repeated = 0
        self._missing: set[int] = set()
        self._forgotten = 0

    @property
    def missing(self) -> int:
        """How many numbers between the lowest and the highest seen have not come."""
        return len(self._missing) + self._forgotten

    def overdue(self) -> int:
        """How many of those were missing when this was last asked; the others may be on their way."""
        found = sum(number < self._mark for number in self._missing) + self._forgotten
        self._mark = self.next
        return found

    def see(self, number: int) -> None:
        """Note that ``number`` came."""
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
