"""Agent's end of its session with control: open control's messages, seal reports.

The module does no I/O. It accepts the contents of publications and returns their meaning.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from salt_o2.bus import envelope
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.messages.command_parsing import message_of
from salt_o2.core.messages.commands import Downward
from salt_o2.core.messages.reports import Report
from salt_o2.sealing.agent_session import AgentSession

log = logging.getLogger(__name__)


class ControlLink:
    """Messages between one agent and control."""

    def __init__(self, session: AgentSession) -> None:
        """Use ``session``, which need not be established yet."""
        self.session = session
        self.must_greet = asyncio.Event()
        """Set while a hello must be sent, and again until it is answered."""
        self.must_greet.set()
        self.established = asyncio.Event()
        """Set when a session was established. The task that waits for it clears it."""

    def seal(self, report: Report) -> bytes:
        """Return ``report`` sealed.

        Raises:
            UnreachableError: no session is established yet; the agent reports all facts in its next survey.
        """
        if not self.session.is_established:
            raise UnreachableError(f"the agent on {report.host} has not signed in to control yet")
        return self.session.seal(envelope.wrap(plain(report)))

    def seal_answer(self, part: Mapping[str, Any]) -> bytes:
        """Return a part of an answer sealed.

        Raises:
            InvalidRequestError: no session is established.
        """
        return self.session.seal(envelope.wrap(part))

    def receive(self, body: Any) -> Downward | None:
        """Return the message for the agent in ``body``; ``None`` if it is a message of the session itself.

        Raises:
            InvalidRequestError: it is not from this host's control, was accepted before, or is malformed.
        """
        match dict(body) if isinstance(body, Mapping) else body:
            case {"invitation": bytes(invitation)}:
                if self.session.take_invitation(invitation):
                    self.must_greet.set()
            case {"welcome": bytes(welcome)}:
                if self.session.take_welcome(welcome):
                    self.must_greet.clear()
                    self.established.set()
            case {"sealed": bytes(sealed)}:
                return self.open(sealed)
            case _:
                raise InvalidRequestError("control published what is no message")
        return None

    def open(self, sealed: bytes) -> Downward:
        """Return the message for the agent in ``sealed``.

        Raises:
            InvalidRequestError: it is not from this host's control, was accepted before, or is malformed.
        """
        return message_of(envelope.unwrap(self.session.open(sealed)))
