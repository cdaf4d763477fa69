"""Which seeds the tests that draw their scenes from a seed run with.

``O2_SEEDS`` names them, in place of a test's own default: single seeds and ranges with both ends, for example
``O2_SEEDS="0-199 1051"``.
"""

import os


def seeds(default: str) -> list[int]:
    """Return the seeds that ``O2_SEEDS`` names; without it, those of ``default``, in the same notation."""
    return [seed for word in os.environ.get("O2_SEEDS", default).split() for seed in _range(word)]


def _range(word: str) -> range:
    first, _, last = word.partition("-")
    return range(int(first), int(last or first) + 1)
