"""Suggest the known name that a user probably meant."""

from collections.abc import Iterable
from itertools import islice

NAMES_SEARCHED = 5_000
"""Names that are compared at most: the time grows with their number."""
LIKENESS = 0.6
"""Similarity, from 0 to 1, that a suggestion must have."""


def nearest(name: str, names: Iterable[str], likeness: float = LIKENESS) -> str:
    """Return the one of ``names`` that looks most like ``name``; empty if none is like it enough.

    ``likeness`` is the least similarity, from 0 to 1.
    """
    from difflib import get_close_matches  # Only a misspelt name needs this module.

    candidates = list(islice(names, NAMES_SEARCHED))
    found = get_close_matches(name, candidates, n=1, cutoff=likeness)
    if not found:
        lowered = {candidate.lower(): candidate for candidate in candidates}
        found = [lowered[match] for match in get_close_matches(name.lower(), lowered, n=1, cutoff=likeness)]
    return found[0] if found else ""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `` (did you mean X?)`` for the one of ``names`` that looks most like ``name``, or nothing."""
    found = nearest(name, names)
    return f" (did you mean {found}?)" if found else ""
