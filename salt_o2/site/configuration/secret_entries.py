"""Secret entries of configuration: templates and tasks get them, and no answer of control shows them.

A site marks the entries in ``o2:secrets``. A template can put the payload anywhere: into a variable, a
property, an argument. So the values themselves are recognized wherever they stand in an answer. The parts of
a payload that count are its text, its lines, and the texts in it if it is JSON. A value that a template
derives, such as an encoded one, is not recognized.
"""

import html
import json
import logging
import re
import shlex
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

from salt_o2.core.errors import InvalidRequestError, O2Error
from salt_o2.core.url_masking import HIDDEN
from salt_o2.site.configuration.backend import COMPONENTS, Backend

log = logging.getLogger(__name__)
SHORTEST_PART = 4
"""Characters of the beginning or end of a value that are recognized where a text was cut."""
CUT = "..."
"""End of a text that was cut for display."""
SHORTEST = 6
"""Characters of a value that can be recognized; a shorter one would also hide parts of other words."""


class SecretEntries:
    """The entries that a site marks, and the values that were read from them."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Mark the entries whose path matches one of ``patterns``, or is below it."""
        self._patterns = tuple(pattern.strip("/") for pattern in patterns)
        self._values: set[str] = set()
        self._shape: re.Pattern[str] | None = None
        self._ends = _CutEnds(())
        self._lock = Lock()

    def covers(self, key: str) -> bool:
        """Return whether the entry at ``key``, with or without the prefix of all components, is marked."""
        path = key.strip("/").removeprefix(f"{COMPONENTS}/")
        return any(
            fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern}/*") for pattern in self._patterns
        )

    def learn(self, key: str, payload: str) -> None:
        """Recognize the values in ``payload`` from now on.

        Raises:
            InvalidRequestError: if the payload is too short to be recognized.
        """
        if not payload.strip():
            return
        if len(payload.strip()) < SHORTEST:
            raise InvalidRequestError(
                f"{key} is marked as a secret in o2:secrets, and has fewer than {SHORTEST} characters: "
                "control could not hide it. No task gets it; store a longer value, or remove the mark"
            )
        with self._lock:
            new = {part for part in _parts(payload) if len(part) >= SHORTEST} - self._values
            if new:
                self._values |= new
                # The longest first: a value may be part of another one.
                longest = sorted(self._values, key=len, reverse=True)
                self._ends = _CutEnds(longest)
                self._shape = re.compile("|".join(map(re.escape, longest)))

    def mask(self, value: Any) -> Any:
        """Return plain data with ``***`` for each known secret value in its texts and names.

        A text that was cut may end with the first characters of a value, or begin with its last ones: they
        are masked too.
        """
        return value if self._shape is None else _masked(value, self._shape, self._ends)

    def occur_in(self, value: Any) -> bool:
        """Return whether a known secret value is in a text or name of plain data."""
        return self._shape is not None and any(map(self._shape.search, _texts(value)))

    def read_all(self, backend: Backend) -> bool:
        """Read all marked entries through ``backend``, which learns them; return whether that succeeded.

        Plans of an earlier control have values that this one has not read yet.
        """
        if not self._patterns:
            return True
        try:
            for key in backend.keys(COMPONENTS):
                if self.covers(key):
                    _read(backend, key)
        except (O2Error, OSError) as error:
            log.error("cannot read the entries of o2:secrets, so that older plans may show them: %s", error)
            return False
        return True


class Recognizing:
    """A backend that learns each secret value that is read or written through it."""

    def __init__(self, backend: Backend, secrets: SecretEntries) -> None:
        """Read from and write to ``backend``."""
        self._backend, self._secrets = backend, secrets
        self.name = backend.name

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``.

        Raises:
            InvalidRequestError: if it is a secret that is too short to be recognized.
        """
        found = self._backend.get(key)
        if found is not None and self._secrets.covers(key):
            self._secrets.learn(key, found)
        return found

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``, in order."""
        return self._backend.keys(prefix)

    def put(self, key: str, value: str) -> None:
        """Store ``value`` at ``key``.

        Raises:
            InvalidRequestError: if the tree cannot be written, or it is a secret that is too short.
        """
        if self._secrets.covers(key):
            self._secrets.learn(key, value)
        self._backend.put(key, value)


def _read(backend: Backend, key: str) -> None:
    try:
        backend.get(key)
    # It is too short to be a secret; templates that use it fail with this text.
    except InvalidRequestError as error:
        log.error("%s", error)


def _parts(payload: str) -> Iterator[str]:
    """Yield the texts in ``payload`` that a template is likely to use, also as programs quote them."""
    try:
        parts = list(_leaves(json.loads(payload)))
    except (ValueError, RecursionError):
        parts = [line.strip() for line in payload.splitlines()]
    for part in {payload, payload.strip(), *parts}:
        yield part
        for written in (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]):
            yield written
            yield written.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
        yield html.escape(part)
        yield html.escape(part, quote=False)
        yield repr(part)[1:-1]
        yield shlex.quote(part).removeprefix("'").removesuffix("'")


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _leaves(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _leaves(entry)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


class _CutEnds:
    """The first and last characters of secret values, at the ends of texts that were cut."""

    def __init__(self, values: Iterable[str]) -> None:
        self._values = tuple(values)
        self._longest = max(map(len, self._values), default=0) + len(CUT)
        self._heads = _any_of(value[:SHORTEST_PART] for value in self._values)
        self._tails = _any_of(value[-SHORTEST_PART:] for value in self._values)

    def mask(self, text: str) -> str:
        """Return ``text`` with ``***`` for a part of a value at its end or its beginning. O(values)."""
        return self._mask_beginning(self._mask_end(text))

    def _mask_end(self, text: str) -> str:
        whole = text.removesuffix(CUT)
        for found in self._heads.finditer(whole, max(0, len(whole) - self._longest)):
            if any(value.startswith(whole[found.start() :]) for value in self._values):
                return f"{whole[: found.start()]}{HIDDEN}{text[len(whole) :]}"
        return text

    def _mask_beginning(self, text: str) -> str:
        for found in self._tails.finditer(text, 0, self._longest):
            end = found.end(1)
            if any(value.endswith(text[:end]) for value in self._values):
                return f"{HIDDEN}{text[end:]}"
        return text


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches where one of ``texts`` begins; also where two of them overlap."""
    shapes = "|".join(sorted(re.escape(text) for text in set(texts)))
    return re.compile(f"(?=({shapes}))" if shapes else "(?!)")


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts and names in plain data, and its numbers as texts."""
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            todo += [*part, *part.values()]
        elif isinstance(part, list | tuple):
            todo += part
        elif isinstance(part, int | float) and not isinstance(part, bool):
            yield str(part)


def _masked(value: Any, shape: re.Pattern[str], ends: _CutEnds) -> Any:
    if isinstance(value, str):
        return ends.mask(shape.sub(HIDDEN, value))
    if isinstance(value, dict):
        return {_masked(name, shape, ends): _masked(entry, shape, ends) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(entry, shape, ends) for entry in value]
    # A number of a payload may also stand as a number.
    if isinstance(value, int | float) and not isinstance(value, bool) and shape.fullmatch(str(value)):
        return HIDDEN
    return value
