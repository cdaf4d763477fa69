"""Cache drafts of plans by their tokens."""

from collections import OrderedDict

from salt_o2.control.planning.drafts import NewId, PlanDraft
from salt_o2.core.errors import InvalidRequestError

KEPT = 20
"""Cached drafts of one user; the oldest is removed first."""


class DraftCache:
    """The drafts of this control process; a restart removes them."""

    def __init__(self, new_id: NewId) -> None:
        """Begin without drafts; ``new_id`` draws their tokens."""
        self._new_id = new_id
        self._cached: dict[str, OrderedDict[str, PlanDraft]] = {}

    def put(self, user: str, draft: PlanDraft) -> str:
        """Store ``draft`` of ``user`` and return its token; any user may apply it."""
        token = self._new_id()
        cached = self._cached.setdefault(user, OrderedDict())
        cached[token] = draft
        while len(cached) > KEPT:
            cached.popitem(last=False)
        return token

    def get(self, token: str) -> PlanDraft:
        """Return the draft with ``token``.

        Raises:
            InvalidRequestError: if there is none, or it was removed.
        """
        for cached in self._cached.values():
            if token in cached:
                return cached[token]
        raise InvalidRequestError(f"no plan {token!r} is known: make it again")
