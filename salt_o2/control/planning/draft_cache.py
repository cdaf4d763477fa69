"""Cache drafts of plans by their tokens."""

from collections import OrderedDict

from salt_o2.control.planning.drafts import PlanDraft, new_id
from salt_o2.core.errors import InvalidRequestError

KEPT = 20
"""Cached drafts of one user; the oldest is removed first."""


class DraftCache:
    """The drafts of this control process; a restart removes them."""

    def __init__(self) -> None:
        """Begin without drafts."""
        self._kept: dict[str, OrderedDict[str, PlanDraft]] = {}

    def put(self, user: str, draft: PlanDraft) -> str:
        """Store ``draft`` of ``user`` and return its token; any user may apply it."""
        token = new_id()
        kept = self._kept.setdefault(user, OrderedDict())
        kept[token] = draft
        while len(kept) > KEPT:
            kept.popitem(last=False)
        return token

    def get(self, token: str) -> PlanDraft:
        """Return the draft with ``token``.

        Raises:
            InvalidRequestError: if there is none, or it was removed.
        """
        for kept in self._kept.values():
            if token in kept:
                return kept[token]
        raise InvalidRequestError(f"no plan {token!r} is remembered: make it again")
