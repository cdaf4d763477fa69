"""Limit how often one client may do something: a bucket of permits that fills up again with time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_KEYS = 10_000
"""Clients that are remembered at most; the one that has asked longest ago is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    permits: float
    at: float


class RateLimit:
    """Permits ``burst`` uses at once, and ``per_s`` further ones a second, for each client."""

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float]) -> None:
        """``clock`` returns seconds and never goes back."""
        self._per_s, self._burst, self._clock = per_s, burst, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def is_permitted(self, client: str) -> bool:
        """Count a use by ``client``; return whether it is within the limit."""
        now = self._clock()
        bucket = self._buckets.setdefault(client, _Bucket(self._burst, now))
        self._buckets.move_to_end(client)
        if len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        bucket.permits = min(self._burst, bucket.permits + (now - bucket.at) * self._per_s)
        bucket.at = now
        if bucket.permits < 1:
            return False
        bucket.permits -= 1
        return True
