"""Questions to the agents of several hosts, inside their sessions: each answer is that of its host alone.

A question is not a Salt job: each minion could read the job, and answer it under the name of another one
(docs/decisions/0107). A host that fails does not affect the answers of the others.
"""

import asyncio
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from salt_o2.control.hosts.bus import Bus
from salt_o2.core.errors import O2Error, UnreachableError
from salt_o2.core.ids import HostId

AT_ONCE = 64
"""Hosts that are asked at the same time."""
MOST_OF_A_USER = 8
"""Requests of one user that wait for hosts at the same time: each takes time of an agent."""
UNKNOWN = "no agent of this host has ever reported: is its minion connected, and its key accepted?"


class QuestionLimit:
    """Permits each user only some questions to hosts at the same time."""

    def __init__(self, most: int = MOST_OF_A_USER) -> None:
        """Permit ``most`` questions of one user."""
        self._most = most
        self._asked: Counter[str] = Counter()

    @contextmanager
    def turn(self, user: str) -> Iterator[None]:
        """Count one question of ``user`` until the block ends.

        Raises:
            UnreachableError: if the user has as many under way as are permitted.
        """
        if self._asked[user] >= self._most:
            raise UnreachableError(
                f"{user or 'this rule'} has {self._most} requests to hosts under way, which is the limit: "
                "try again when one is answered"
            )
        self._asked[user] += 1
        try:
            yield
        finally:
            self._asked[user] -= 1
            if not self._asked[user]:
                del self._asked[user]


class HostQuestions:
    """Asks agents on ``bus``."""

    def __init__(self, bus: Bus, known: Container[HostId]) -> None:
        """Ask only hosts that are ``known``: another one has no session, and would be waited for in vain."""
        self._bus, self._known = bus, known

    async def ask_all(
        self, hosts: Sequence[HostId], verb: str, arguments: Sequence[Any], wait_s: float
    ) -> dict[HostId, Any]:
        """Return the answer of each host to ``verb``; ``{"error": reason}`` for a host without an answer.

        An agent may take ``wait_s`` seconds.
        """
        turns = asyncio.Semaphore(AT_ONCE)
        answers = await asyncio.gather(*(self._ask(host, verb, arguments, wait_s, turns) for host in hosts))
        return dict(zip(hosts, answers, strict=True))

    async def _ask(
        self, host: HostId, verb: str, arguments: Sequence[Any], wait_s: float, turns: asyncio.Semaphore
    ) -> Any:
        if host not in self._known:
            return {"error": UNKNOWN}
        async with turns:
            try:
                return await self._bus.ask(host, verb, arguments, wait_s)
            except O2Error as error:
                return {"error": str(error)}


def is_error(answer: Any) -> bool:
    """Return whether an answer of :meth:`HostQuestions.ask_all` says why there is none."""
    return isinstance(answer, dict) and set(answer) == {"error"}
