"""Sessions of signed-in users, kept in a file so that a restart of the interface ends none of them.

A session is known by its token, a random text that only the client has: the file has a hash of it.
"""

import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from salt_o2.core.access_roles import AccessRole

log = logging.getLogger(__name__)

MOST_SESSIONS = 10_000
"""At most so many sessions; the oldest one ends when a further one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A user who has signed in, until ``expires``, in seconds since the epoch."""

    name: str
    role: AccessRole
    expires: float


class SessionStore:
    """Opens, finds and ends sessions."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Keep sessions in the file ``path``, which only its owner can read."""
        self._path, self._clock = path, clock
        self._sessions = self._read()

    def open(self, name: str, role: AccessRole, seconds: float) -> tuple[str, Session]:
        """Return the token of a new session, and the session."""
        self._drop_expired()
        while len(self._sessions) >= MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        token = secrets.token_urlsafe(32)
        session = Session(name=name, role=role, expires=self._clock() + seconds)
        self._sessions[_hashed(token)] = session
        self._write()
        return token, session

    def find(self, token: str) -> Session | None:
        """Return the session of ``token``; ``None`` if there is none, or it has expired."""
        session = self._sessions.get(_hashed(token))
        return session if session and session.expires > self._clock() else None

    def end(self, token: str) -> None:
        """End the session of ``token``, if there is one."""
        if self._sessions.pop(_hashed(token), None):
            self._write()

    def _drop_expired(self) -> None:
        now = self._clock()
        self._sessions = {key: each for key, each in self._sessions.items() if each.expires > now}

    def _read(self) -> dict[str, Session]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Session])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError) as error:
            log.error("sessions in %s cannot be read, users must sign in again: %s", self._path, error)
            return {}

    def _write(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:  # noqa: PTH123
            json.dump({key: asdict(each) for key, each in self._sessions.items()}, file)
        fresh.replace(self._path)


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
