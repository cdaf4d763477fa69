"""The agent's side of sessions: one session with the control that its master runs.

The states and what leads from one to the next:

    SIGNED_OUT   greet       -> GREETING     a hello is sent, and again until it is answered
    GREETING     welcome     -> ESTABLISHED  reports are sealed from now on; a survey goes first
    ESTABLISHED  invitation  -> RENEWING     of another run of control, or for this host by name
    RENEWING     welcome     -> ESTABLISHED  the former session ends

In RENEWING the former session still serves: an invitation may be an old one that was sent again, and must not
cost a session that works. A welcome that answers another hello, and messages that do not belong to the
session, change nothing in any state.
"""

import os
from collections.abc import Callable
from enum import StrEnum

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.sealing import handshake
from salt_o2.sealing.channel import ID_BYTES, Channel
from salt_o2.sealing.exchange import SECRET_BYTES, Exchange
from salt_o2.sealing.identity import PrivateKey, PublicKey

Entropy = Callable[[int], bytes]
"""Returns the given number of random bytes."""


class SessionState(StrEnum):
    """State of an agent's session with control; see the module."""

    SIGNED_OUT = "SIGNED_OUT"
    GREETING = "GREETING"
    ESTABLISHED = "ESTABLISHED"
    RENEWING = "RENEWING"


class AgentSession:
    """The session of one agent, from its start to its end."""

    def __init__(
        self,
        host: HostId,
        incarnation: str,
        key: PrivateKey,
        master: PublicKey,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Act as ``incarnation`` of the agent on ``host``, with its minion's ``key``, towards ``master``."""
        self.host, self.incarnation = host, incarnation
        self._key, self._entropy = key, entropy
        self._vouched = handshake.Vouched(master)
        self._exchange: Exchange | None = None
        self._hello = b""
        self._channel: Channel | None = None
        self._control = b""

    @property
    def state(self) -> SessionState:
        """State of the session with control."""
        if self._channel is None:
            return SessionState.GREETING if self._hello else SessionState.SIGNED_OUT
        return SessionState.RENEWING if self._hello else SessionState.ESTABLISHED

    @property
    def is_established(self) -> bool:
        """Whether reports can be sealed."""
        return self._channel is not None

    @property
    def awaits_welcome(self) -> bool:
        """Whether a hello has not been answered yet, so that it must be sent again after some time."""
        return bool(self._hello)

    def greet(self) -> bytes:
        """Return the hello to send: a new one, or the one that has not been answered yet."""
        if not self._hello:
            self._exchange = Exchange(self._entropy(SECRET_BYTES))
            self._hello = handshake.hello(self._key, self.host, self.incarnation, self._exchange.public)
        return self._hello

    def take_invitation(self, data: bytes) -> bool:
        """Return whether the invitation in ``data`` asks this agent for a hello.

        Raises:
            InvalidRequestError: it is not an invitation of this master's control.
        """
        invitation = self._vouched.invitation(data)
        if invitation.host:
            return invitation.host == self.host
        return invitation.certificate.control != self._control

    def take_welcome(self, data: bytes) -> bool:
        """Establish the session that the welcome in ``data`` grants; return whether it grants one.

        Raises:
            InvalidRequestError: it is not a welcome of this master's control.
        """
        if self._exchange is None:
            return False
        welcome = self._vouched.welcome(data, self._hello)
        if welcome is None:
            return False
        if len(welcome.session) != ID_BYTES:
            raise InvalidRequestError(f"a session's id has {ID_BYTES} bytes, not {len(welcome.session)}")
        keys = self._exchange.agree(welcome.exchange, handshake.transcript(self._hello, data))
        self._channel = Channel(welcome.session, keys.to_control, keys.to_agent)
        self._control = welcome.certificate.control
        self._exchange, self._hello = None, b""
        return True

    def seal(self, message: bytes) -> bytes:
        """Return ``message`` sealed for control.

        Raises:
            InvalidRequestError: no session is established, or it is used up.
        """
        return self._established().seal(message)

    def open(self, sealed: bytes) -> bytes:
        """Return the message of control in ``sealed``.

        Raises:
            InvalidRequestError: it does not belong to this session, or was accepted before.
        """
        return self._established().open(sealed)

    def _established(self) -> Channel:
        if self._channel is None:
            raise InvalidRequestError(f"the agent on {self.host} has no session with control yet")
        return self._channel
