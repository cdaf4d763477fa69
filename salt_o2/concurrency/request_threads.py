"""Threads for requests that read files, ask services or compute long: limited by kind and by user.

Each kind of request has its own threads, so slow requests of one kind do not delay other kinds. Each user
has a limit, so many requests of one user do not delay other users.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.core.errors import UnreachableError

T = TypeVar("T")


@dataclass(slots=True)
class _Turns:
    """Requests of one user."""

    free: asyncio.Semaphore
    asked: int = 0
    """Number of requests that run or wait."""


class Threads:
    """Threads of one kind of request."""

    def __init__(self, kind: str, at_once: int, of_a_user: int, asked: int = 50) -> None:
        """Run ``at_once`` requests at a time, ``of_a_user`` of one user; at most ``asked`` run or wait."""
        self._kind = kind
        self._free = asyncio.Semaphore(at_once)
        self._of_a_user = of_a_user
        self._most = asked
        self._users: dict[str, _Turns] = {}

    async def run(self, user: str, function: Callable[..., T], *arguments: object) -> T:
        """Return what ``function`` returns in a thread, when it is the turn of ``user``.

        Raises:
            UnreachableError: if this user already has the maximum number of requests of this kind.
        """
        turns = self._users.setdefault(user, _Turns(asyncio.Semaphore(self._of_a_user)))
        if turns.asked >= self._most:
            raise UnreachableError(
                f"control has {turns.asked} unfinished requests of user {user!r} to {self._kind}, "
                "which is the limit: try again later. Tasks are not affected"
            )
        turns.asked += 1
        try:
            async with turns.free, self._free:
                return await run_in_daemon_thread(function, *arguments)
        finally:
            turns.asked -= 1
            if not turns.asked:
                self._users.pop(user, None)


@dataclass(frozen=True, slots=True)
class RequestThreads:
    """Threads of all kinds of requests."""

    look: Threads = field(default_factory=lambda: Threads("look at workflows", 6, 2))
    """Workflows are loaded for display or planning: up to minutes."""
    catalogue: Threads = field(default_factory=lambda: Threads("list workflows", 4, 1))
    """Repositories are fetched: up to minutes if a server does not answer."""
    create: Threads = field(default_factory=lambda: Threads("create and change environments", 8, 4))
    """Workflows are loaded for execution."""
    past: Threads = field(default_factory=lambda: Threads("read the past", 4, 2))
    """Journals are read and replayed: seconds."""
    read: Threads = field(default_factory=lambda: Threads("read lists", 4, 2))
    """Short queries of the store and the configuration: milliseconds, unless a service does not answer."""
    call: Threads = field(default_factory=lambda: Threads("compute arguments of calls", 8, 4, 1_000))
    """Arguments of calls of an environment, which counts as a user here."""
