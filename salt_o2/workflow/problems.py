"""Collect all faults of a template, so that its author can correct them at once."""

from collections.abc import Iterable
from typing import NamedTuple

from salt_o2.core.errors import TemplateError
from salt_o2.core.similar_names import did_you_mean
from salt_o2.workflow.limits import PROBLEMS_SHOWN, PROBLEMS_WITH_ADVICE


class Place(NamedTuple):
    """A line of a file, counted from 1; 0 means the file as a whole."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return the place as compilers write it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Problems:
    """A list of faults; a fault that an iterator repeats for many roles is reported once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], list[str]] = {}
        self.left_open = 0
        """Number of values that are not known here."""
        self.channels_lost = False
        """Whether a channel lacks a field that its template sets: the field is open here, or is wrong."""
        self._notes: dict[tuple[Place, str], list[str]] = {}

    def __len__(self) -> int:
        """Return the number of different faults."""
        return len(self._found)

    def add(self, place: Place, path: str, what: str, name: str = "", names: Iterable[str] = ()) -> None:
        """Record the fault ``what`` at ``place`` in role ``path``; suggest the nearest of ``names``."""
        advice = nearest(name, names) if name and len(self._found) < PROBLEMS_WITH_ADVICE else ""
        self._found.setdefault((place, what + advice), []).append(path)

    def note(self, place: Place, path: str, what: str) -> None:
        """Record ``what`` for the author, although it is no fault."""
        self._notes.setdefault((place, what), []).append(path)

    def leave_open(self, place: Place, path: str, what: str) -> None:
        """Record that ``what`` is known only at the site; the parts that depend on it are omitted.

        An empty ``what`` is not recorded, because another report has it.
        """
        self.left_open += 1
        if what:
            self.note(place, path, f"left open: {what}")

    @property
    def notes(self) -> tuple[str, ...]:
        """One line for each note, in the order of file and line."""
        return tuple(_lines(self._notes))

    def raise_any(self) -> None:
        """Raise all faults as one error, if there are any.

        Raises:
            TemplateError: with a line for each fault, in the order of file and line.
        """
        if self._found:
            raise TemplateError(self.lines())

    def lines(self) -> list[str]:
        """Return one line for each fault: ``file:line: role.path: what (did you mean X?)``."""
        return _lines(self._found)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the one of ``names`` that looks most like ``name``, or nothing."""
    return did_you_mean(name, names)


def _lines(found: dict[tuple[Place, str], list[str]]) -> list[str]:
    ordered = sorted(found.items(), key=lambda item: item[0][0])
    shown = [_line(place, what, paths) for (place, what), paths in ordered[:PROBLEMS_SHOWN]]
    more = len(ordered) - len(shown)
    return [*shown, f"and {more} more problems"] if more else shown


def _line(place: Place, what: str, paths: list[str]) -> str:
    role = f"{paths[0]}: " if paths[0] else ""
    others = f" [and in {len(paths) - 1} more roles]" if len(paths) > 1 else ""
    return f"{place}: {role}{what}{others}"
