"""Questions of control to one agent, and their answers, inside the session of the agent.

An ordinary Salt job is no way to ask an agent: each minion reads the job, and each minion can send a return
under the name of another one. A question and its answer are sealed like all else that agents and control say
to each other. An answer may be larger than an event of Salt, so it travels in parts.
"""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from salt_o2.bus import envelope
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequestError, O2Error, TaskError, UnreachableError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.commands import Question

PART_BYTES = 500_000
"""Bytes of one part of an answer: Salt carries no event above 1 MB."""
MOST_PARTS = 1 + envelope.MOST_BYTES // PART_BYTES
KEY = "answer"
"""What tells an answer from a report."""
REMEMBERED = 256
"""Questions whose repetition an agent ignores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an answer."""

    question: str
    number: int
    """From 0 on."""
    parts: int
    data: bytes


@dataclass(slots=True)
class _Open:
    """A question that waits for its answer."""

    host: HostId
    answer: "asyncio.Future[Any]"
    parts: dict[int, bytes] = field(default_factory=dict)


class OpenQuestions:
    """The questions of control that have no answer yet."""

    def __init__(self) -> None:
        """Nothing has been asked."""
        self._open: dict[str, _Open] = {}

    async def ask(
        self,
        host: HostId,
        verb: str,
        arguments: Sequence[Any],
        limit_s: float,
        send: Callable[[Sequence[Question]], Awaitable[None]],
    ) -> Any:
        """Return what the agent on ``host`` answers; ``send`` sends the question, twice if need be.

        Raises:
            UnreachableError: if the agent does not answer within ``limit_s`` seconds.
            TaskError: if it answers with an error.
        """
        asked = Question(host=host, id=os.urandom(16).hex(), verb=verb, arguments=tuple(arguments))
        waiting = self._open[asked.id] = _Open(host, asyncio.get_running_loop().create_future())
        try:
            for _ in range(2):
                await send([asked])
                done, _ = await asyncio.wait({waiting.answer}, timeout=limit_s / 2)
                if done:
                    return waiting.answer.result()
        finally:
            del self._open[asked.id]
            waiting.answer.cancel()
        raise UnreachableError(f"the agent on {host} has not answered {verb} within {limit_s:g} s")

    def take(self, host: HostId, data: Any) -> None:
        """Take a part of an answer, which the agent on ``host`` has sealed.

        Raises:
            InvalidRequestError: it is no part of an answer.
        """
        part = typed(data, Part)
        waiting = self._open.get(part.question)
        if waiting is None or waiting.host != host or waiting.answer.done():
            return  # it came too late, or twice
        if not (0 <= part.number < part.parts <= MOST_PARTS and len(part.data) <= PART_BYTES):
            raise InvalidRequestError(
                f"part {part.number} of {part.parts} of an answer of {host} is out of bounds"
            )
        waiting.parts[part.number] = part.data
        if len(waiting.parts) == part.parts:
            self._conclude(waiting)

    def _conclude(self, waiting: _Open) -> None:
        try:
            said = envelope.unwrap(b"".join(waiting.parts[number] for number in sorted(waiting.parts)))
            value, error = said["value"], said["error"]
        except (InvalidRequestError, KeyError, TypeError) as fault:
            waiting.answer.set_exception(TaskError(f"the answer of {waiting.host} cannot be read: {fault}"))
            return
        if error:
            waiting.answer.set_exception(TaskError(f"the agent on {waiting.host} answered: {error}"))
        else:
            waiting.answer.set_result(value)


class Answering:
    """Answers questions of control on an agent, each once."""

    def __init__(self, answer: Callable[[Question], Awaitable[Any]]) -> None:
        """Have ``answer`` find the answers."""
        self._answer = answer
        self._seen: deque[str] = deque(maxlen=REMEMBERED)

    def is_new(self, question: Question) -> bool:
        """Return whether ``question`` did not come before, and remember it."""
        if question.id in self._seen:
            return False
        self._seen.append(question.id)
        return True

    async def parts(self, question: Question) -> list[dict[str, Any]]:
        """Return the answer to ``question`` as messages for control, or why there is none."""
        value, error = None, ""
        try:
            value = await self._answer(question)
        except O2Error as fault:
            error = str(fault)
        packed = envelope.wrap({"value": value, "error": error})
        try:
            envelope.decompress(packed)
        except InvalidRequestError as fault:
            packed = envelope.wrap(
                {"value": None, "error": f"the answer is too large, ask for less: {fault}"}
            )
        pieces = [packed[at : at + PART_BYTES] for at in range(0, len(packed), PART_BYTES)]
        return [
            {KEY: plain(Part(question=question.id, number=number, parts=len(pieces), data=piece))}
            for number, piece in enumerate(pieces)
        ]
