"""Control's end of the sessions with agents: seal control's messages, open and check those of hosts.

The module does no I/O. It accepts messages that the bus has received and returns messages that the bus must
send. A body is the part of a publication for one host: a map with one of the keys ``invitation``,
``welcome`` and ``sealed``.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from salt_o2.bus import envelope, questions
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages import report_parsing
from salt_o2.core.messages.commands import Command, Downward, Notice, SurveyRequest
from salt_o2.core.messages.reports import Report
from salt_o2.sealing.host_sessions import HostSessions, UnknownSession

log = logging.getLogger(__name__)

Body = dict[str, bytes]
SILENT_S = 10.0
"""Seconds without a message in its session after which a host may be invited again.

The invitation follows a message of another session under the host's name. Any minion can send such a
message, so a host that uses its session is not asked to sign in again.
"""
INVITE_EVERY_S = 1.0
"""Minimum interval between invitations of one host by name, in seconds.

It holds however many messages the host sends without a session.
"""


@dataclass(slots=True)
class HostMessage:
    """Result of one message from a host."""

    report: Report | None = None
    answer: Any = None
    """Part of an answer to a question, as the host has sent it."""
    host: HostId | None = None
    """Host that sent the message, if its session or its signature proves that."""
    replies: list[Body] = field(default_factory=list)
    """Messages to send to ``host``."""


@dataclass(slots=True)
class Refusals:
    """Number of refused messages under the name of one host, and the reason of the last refusal."""

    count: int = 0
    reason: str = ""
    at: float = 0.0
    """Seconds since the epoch."""

    def __str__(self) -> str:
        """Return the text for the host's table row."""
        messages = "1 message" if self.count == 1 else f"{self.count} messages, the last one"
        return f"refused {messages} under its name: {self.reason}"


class HostLink:
    """Messages between control and all agents."""

    def __init__(
        self,
        sessions: HostSessions,
        kept_incarnation: Callable[[HostId], str] = lambda _: "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use ``sessions``. ``kept_incarnation`` returns the agent that control uses on a host, if any."""
        self._sessions, self._kept_incarnation, self._clock = sessions, kept_incarnation, clock
        self._waiting: dict[HostId, dict[EnvironmentId, Command]] = {}
        self._invited: dict[HostId, float] = {}
        self._opened_at: dict[HostId, float] = {}
        """Time of the last message of each host in its session."""
        self.refusals: dict[HostId, Refusals] = {}
        """Refusals by accepted host. All other names count together under the empty name."""

    def invitation(self) -> Body:
        """Return the message that asks all agents to sign in to this run of control."""
        return {"invitation": self._sessions.invitation()}

    def seal(self, message: Downward) -> list[Body]:
        """Return ``message`` sealed for its host. Without a session, return an invitation.

        A command is sealed for the agent that control uses, a notice for the agent that it names. A survey
        request is sealed for all agents that have signed in as that host, since control may not know yet
        which one it uses.

        For a host without a session, the last command of each environment is stored and sent when a session
        exists. Nothing is returned if the host was invited within INVITE_EVERY_S.
        """
        host = message.host
        packed = envelope.wrap({"kind": type(message).__name__, "message": plain(message)})
        sealed = [self._sessions.seal(host, packed, incarnation) for incarnation in self._readers(message)]
        bodies = [{"sealed": each} for each in sealed if each is not None]
        if bodies:
            return bodies
        if isinstance(message, Command):
            self._waiting.setdefault(host, {})[message.environment] = message
        return self._invite(host)

    def _readers(self, message: Downward) -> tuple[str, ...]:
        match message:
            case Notice(incarnation=incarnation):
                return (incarnation,)
            case SurveyRequest():
                return self._sessions.incarnations(message.host)
            case _:
                return (self._kept_incarnation(message.host),)

    def receive(self, name: str, data: Any) -> HostMessage:
        """Return the meaning of ``data``, the data of an event under the name of a host."""
        try:
            match dict(data) if isinstance(data, Mapping) else data:
                case {"hello": bytes(hello)}:
                    return self._take_hello(hello)
                case {"sealed": bytes(sealed)}:
                    return self._take_sealed(HostId(name), sealed)
            raise InvalidRequestError("the event holds neither a hello nor a sealed message")
        except InvalidRequestError as error:
            self._refuse(HostId(name), str(error))
            return HostMessage()

    def forget(self, host: HostId) -> None:
        """End the sessions of ``host``, because the master no longer accepts its key."""
        self._sessions.forget(host)
        self._waiting.pop(host, None)
        self._invited.pop(host, None)
        self._opened_at.pop(host, None)
        self.refusals.pop(host, None)

    def _take_hello(self, hello: bytes) -> HostMessage:
        speaker, welcome = self._sessions.take_hello(hello)
        return HostMessage(host=speaker.host, replies=[{"welcome": welcome}])

    def _take_sealed(self, name: HostId, sealed: bytes) -> HostMessage:
        try:
            speaker, message = self._sessions.open(sealed)
        except UnknownSession:
            if not self._sessions.is_known(name):
                raise
            if self._is_heard(name):
                return HostMessage()
            return HostMessage(host=name, replies=self._invite(name))
        self._opened_at[speaker.host] = self._clock()
        content = envelope.unwrap(message)
        if isinstance(content, Mapping) and questions.KEY in content:
            replies = self._waiting_for(speaker.host)
            return HostMessage(answer=content[questions.KEY], host=speaker.host, replies=replies)
        report = report_parsing.report_of(content, speaker.host, speaker.incarnation)
        if (report.host, report.incarnation) != (speaker.host, speaker.incarnation):
            raise InvalidRequestError(f"the agent on {speaker.host} reports for {report.host}")
        return HostMessage(report=report, host=speaker.host, replies=self._waiting_for(speaker.host))

    def _is_heard(self, host: HostId) -> bool:
        """Return whether ``host`` has a session and has used it within SILENT_S."""
        since = self._clock() - self._opened_at.get(host, float("-inf"))
        return since < SILENT_S and bool(self._sessions.incarnations(host))

    def _waiting_for(self, host: HostId) -> list[Body]:
        commands = self._waiting.pop(host, {})
        return [body for command in commands.values() for body in self.seal(command)]

    def _invite(self, host: HostId) -> list[Body]:
        at = self._clock()
        if at - self._invited.get(host, float("-inf")) < INVITE_EVERY_S:
            return []
        self._invited[host] = at
        return [{"invitation": self._sessions.invitation(host)}]

    def _refuse(self, name: HostId, reason: str) -> None:
        known = self._sessions.is_known(name)
        refusals = self.refusals.setdefault(name if known else HostId(""), Refusals())
        refusals.count, refusals.reason, refusals.at = refusals.count + 1, reason, self._clock()
        level = logging.WARNING if refusals.count & (refusals.count - 1) == 0 else logging.DEBUG
        log.log(level, "refused message %d under the name of %r: %s", refusals.count, name, reason)
