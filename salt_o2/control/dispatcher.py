"""Dispatch requests: find the handler of a verb, check the arguments, return plain dicts.

The verbs and their results are the one interface of coconut and of the Salt runner. Each group of verbs has a
request handler of its own: environments, runs, history, hosts, pool, tasks.
"""

from collections.abc import Mapping
from typing import Any

from salt_o2.control.requests.arguments import Progress, Verbs
from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError

MOST_NUMBER = 2**63 - 1
MOST_ENTRIES = 20_000
"""Entries of all lists and maps of a request: control checks each in its loop while other requests wait."""


class RequestDispatcher:
    """Dispatches requests to their handlers; any number of requests may be under way."""

    def __init__(self, verbs: Verbs) -> None:
        """Dispatch requests to the handlers of ``verbs``."""
        self._verbs = verbs

    async def serve(self, verb: str, arguments: Mapping[str, Any], user: str, progress: Progress) -> Any:
        """Return the result of ``verb``; report each step of the work to ``progress``.

        Raises:
            InvalidRequestError: if the verb does not exist, or its arguments do not fit.
            O2Error: if the request was refused or failed.
        """
        if verb not in self._verbs:
            raise InvalidRequestError(f"control has no verb {verb!r}; its verbs: {', '.join(self._verbs)}")
        kind, method = self._verbs[verb]
        if not isinstance(arguments, Mapping) or not all(isinstance(name, str) for name in arguments):
            raise InvalidRequestError(f"{verb}: arguments must be a map with names, not {arguments!r:.60}")
        unknown = set(arguments) - set(kind.__dataclass_fields__)
        if unknown:
            known = ", ".join(kind.__dataclass_fields__) or "none"
            raise InvalidRequestError(
                f"{verb} has no argument {', '.join(sorted(unknown))}; its arguments: {known}"
            )
        check_numbers(arguments, verb)
        return await method(typed(dict(arguments), kind), user, progress)


def check_numbers(value: Any, place: str) -> None:
    """Refuse numbers that the database cannot store: its integers are signed and have 64 bits.

    Raises:
        InvalidRequestError: naming the first such number.
    """
    todo: list[tuple[Any, tuple[Any, ...]]] = [(value, ())]
    entries = 0
    while todo:
        part, names = todo.pop()
        if isinstance(part, int | float) and not abs(part) <= MOST_NUMBER:
            where = ": ".join([place, *(f"{name!s:.60}" for name in names)])
            raise InvalidRequestError(f"{where}: {part} is too large a number, or not a number")
        if isinstance(part, Mapping):
            entries += len(part)
            todo += [(each, (*names, name)) for name, each in part.items()]
        elif isinstance(part, list | tuple):
            entries += len(part)
            todo += [(each, names) for each in part]
        if entries > MOST_ENTRIES:
            raise InvalidRequestError(
                f"{place}: the arguments have more than {MOST_ENTRIES} entries. Nothing was done"
            )
