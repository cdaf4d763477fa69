"""Control's side of sessions: those of all hosts.

A session is OFFERED when control answers a hello, and ESTABLISHED by the first message that opens with its
key. So a replayed hello has no effect. The states and their transitions:

    (none)       hello of a known host  -> OFFERED      a welcome is sent
    OFFERED      the same hello         -> OFFERED      the same welcome is sent
    OFFERED      a message that opens   -> ESTABLISHED  earlier sessions of the same incarnation end
    OFFERED      MOST_OFFERED newer     -> (none)
    ESTABLISHED  host forgotten         -> (none)       its key is no longer accepted

Two incarnations with an established session each are two agents: a restarted one, or a copy of the host.
This module does not decide which of them control uses. Sessions are in memory only: a new run of control
invites all agents, so that each signs in again.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.sealing import handshake
from salt_o2.sealing.agent_session import Entropy
from salt_o2.sealing.channel import ID_BYTES, Channel, split
from salt_o2.sealing.exchange import SECRET_BYTES, Exchange
from salt_o2.sealing.handshake import ControlKey
from salt_o2.sealing.identity import PublicKey

MOST_OFFERED = 2
"""Maximum number of sessions of one host that wait for their first message."""
MOST_ESTABLISHED = 3
"""Maximum number of established sessions of one host with different incarnations. The oldest ends."""

KeyOf = Callable[[HostId], PublicKey | None]
"""Returns the key that the master has accepted for a host; ``None`` if it has accepted none."""


class UnknownSession(InvalidRequestError):
    """A message came in a session that this control does not have: the host must sign in again."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Agent that a session belongs to, as proved at its sign-in."""

    host: HostId
    incarnation: str


@dataclass(frozen=True, slots=True)
class _Offer:
    """A session that waits for its first message."""

    channel: Channel
    hello: bytes
    welcome: bytes


@dataclass(slots=True)
class _OfHost:
    """The sessions of one host, by id, oldest first."""

    offered: dict[bytes, _Offer] = field(default_factory=dict)
    established: dict[bytes, Channel] = field(default_factory=dict)


class HostSessions:
    """All sessions of one run of control."""

    def __init__(self, key: ControlKey, key_of: KeyOf, entropy: Entropy = os.urandom) -> None:
        """Sign with ``key``; get the keys of hosts from ``key_of``."""
        self._key, self._key_of, self._entropy = key, key_of, entropy
        self._hosts: dict[HostId, _OfHost] = {}
        self._speakers: dict[bytes, Speaker] = {}

    def invitation(self, host: HostId | None = None) -> bytes:
        """Return an invitation of ``host``, or of all agents."""
        return self._key.invite(host or "")

    def is_known(self, host: HostId) -> bool:
        """Return whether the master has accepted a key of ``host``."""
        return host in self._hosts or self._key_of(host) is not None

    def take_hello(self, data: bytes) -> tuple[Speaker, bytes]:
        """Offer a session to the agent that sent the hello in ``data``; return the agent and the welcome.

        Raises:
            InvalidRequestError: it is not a hello, its host is not accepted, or its signature is wrong.
        """
        hello = handshake.read_hello(data)
        speaker = Speaker(HostId(hello.host), hello.incarnation)
        key = self._key_of(speaker.host)
        if key is None:
            raise InvalidRequestError(f"the master has accepted no key of a host {hello.host!r}")
        offered = self._hosts.setdefault(speaker.host, _OfHost()).offered
        for offer in offered.values():
            if offer.hello == data:  # the welcome was late or lost
                return speaker, offer.welcome
        if not handshake.is_signed_by(hello, key):
            raise InvalidRequestError(f"the hello is not signed with the key of {hello.host}")
        session, offer = self._offer(hello, data)
        offered[session], self._speakers[session] = offer, speaker
        self._end_oldest(offered, MOST_OFFERED)
        return speaker, offer.welcome

    def open(self, sealed: bytes) -> tuple[Speaker, bytes]:
        """Return the message in ``sealed`` and the agent that sent it.

        Raises:
            UnknownSession: this control has no such session.
            InvalidRequestError: it was not sealed by the agent of its session, or was accepted before.
        """
        session, _ = split(sealed)
        speaker = self._speakers.get(session)
        if speaker is None:
            raise UnknownSession("the message came in a session that this run of control does not have")
        sessions = self._hosts[speaker.host]
        if channel := sessions.established.get(session):
            return speaker, channel.open(sealed)
        message = sessions.offered[session].channel.open(sealed)
        self._establish(sessions, session, speaker)
        return speaker, message

    def seal(self, host: HostId, message: bytes, incarnation: str = "") -> bytes | None:
        """Return ``message`` sealed for the agent on ``host``; ``None`` if it has no session.

        It is sealed for ``incarnation`` if that is given and has a session, else for the agent that signed
        in last.
        """
        sessions = self._hosts.get(host)
        if sessions is None or not sessions.established:
            return None
        chosen = [id for id in sessions.established if self._speakers[id].incarnation == incarnation]
        last = next(reversed(sessions.established))
        return sessions.established[chosen[-1] if chosen else last].seal(message)

    def incarnations(self, host: HostId) -> tuple[str, ...]:
        """Return the agents that have a session as ``host``, in the order in which they signed in."""
        sessions = self._hosts.get(host)
        return tuple(self._speakers[id].incarnation for id in sessions.established) if sessions else ()

    def forget(self, host: HostId) -> None:
        """End all sessions of ``host``, because its key is no longer accepted."""
        sessions = self._hosts.pop(host, None)
        for session in (*sessions.offered, *sessions.established) if sessions else ():
            del self._speakers[session]

    def _offer(self, hello: handshake.Hello, data: bytes) -> tuple[bytes, _Offer]:
        session, exchange = self._entropy(ID_BYTES), Exchange(self._entropy(SECRET_BYTES))
        welcome = self._key.welcome(session, exchange.public, data)
        keys = exchange.agree(hello.exchange, handshake.transcript(data, welcome))
        return session, _Offer(Channel(session, keys.to_agent, keys.to_control), data, welcome)

    def _establish(self, sessions: _OfHost, session: bytes, speaker: Speaker) -> None:
        for former in [id for id in sessions.established if self._speakers[id] == speaker]:
            del sessions.established[former], self._speakers[former]
        sessions.established[session] = sessions.offered.pop(session).channel
        self._end_oldest(sessions.established, MOST_ESTABLISHED)

    def _end_oldest(self, sessions: dict[bytes, Channel] | dict[bytes, _Offer], most: int) -> None:
        while len(sessions) > most:
            oldest = next(iter(sessions))
            del sessions[oldest], self._speakers[oldest]
