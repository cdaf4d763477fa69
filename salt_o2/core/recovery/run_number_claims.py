"""Decide how far control believes the highest run number that each host claims. Values only.

Hosts remember run numbers so that no number is used twice when control's store is lost, or is an older copy.
A claim far above all numbers of control is either true, and then another host claims about the same, or
wrong. A number that was used once is never used again.
"""

from collections.abc import Mapping
from itertools import pairwise

from salt_o2.core.ids import HostId

STEP = 1000
"""How far above control's own highest number a claim of one host alone is believed, in runs."""


def believed(claims: Mapping[HostId, int], known: int, sure: int | None = None) -> int:
    """Return the highest number that counts as used, from the hosts' ``claims`` and the highest ``known``.

    ``sure`` is the highest number that does not depend on one host alone; by default ``known``. A claim
    counts if it is at most STEP above ``sure``, or if another host claims at least as much less STEP. So one
    host moves the numbers by STEP, however often it claims. A store that knows of no run at all believes the
    only host that claims any. It sorts the claims: call it only if one of them is above ``known``.
    """
    above = sorted((claim for claim in claims.values() if claim > known), reverse=True)
    if known == 0 and len(above) == 1:
        return above[0]
    for claim, next_claim in pairwise((*above, known if sure is None else sure)):
        if claim - next_claim <= STEP:
            return claim
    return known


def confirmed(claims: Mapping[HostId, int], number: int) -> bool:
    """Return whether two hosts claim ``number``, less STEP: it does not depend on one host alone."""
    return sum(claim >= number - STEP for claim in claims.values()) >= 2


def why(claim: int, known: int) -> str:
    """Return the message that ``claim`` is not believed, and what to do."""
    return (
        f"it reports run {claim}, and no other host does; the highest that control knows is "
        f"{known}, and the next run number follows it. If {claim} is right: "
        f"salt-run o2.rebuild last_run={claim}"
    )
