"""Questions of control to one agent, and their answers, inside the session of the agent.

An ordinary Salt job is not suitable: each minion can read the job, and each minion can send a return under
the name of another one. Questions and answers are sealed like all other messages between agents and
control. An answer may be larger than an event of Salt, so it is sent in parts.
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
"""Size of one part of an answer, in bytes: Salt carries no event above 1 MB."""
MOST_PARTS = 1 + envelope.MOST_BYTES // PART_BYTES
KEY = "answer"
"""Key that distinguishes an answer from a report."""
REMEMBERED = 256
"""Number of recent questions whose repetition an agent ignores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an answer."""

    question: str
    number: int
    """Index, from 0."""
    parts: int
    data: bytes


@dataclass(slots=True)
class _Open:
    """A question that waits for its answer."""

    host: HostId
    answer: "asyncio.Future[Any]"
    parts: dict[int, bytes] = field(default_factory=dict)


class OpenQuestions:
    """Questions of control that have no answer yet."""

    def __init__(self) -> None:
        """Start without questions."""
        self._open: dict[str, _Open] = {}

    async def ask(
        self,
        host: HostId,
        verb: str,
        arguments: Sequence[Any],
        limit_s: float,
        send: Callable[[Sequence[Question]], Awaitable[None]],
    ) -> Any:
        """Return the answer of the agent on ``host``. ``send`` sends the question, twice if necessary.

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

    def add_part(self, host: HostId, data: Any) -> None:
        """Store a part of an answer, sealed by the agent on ``host``.

        Raises:
            InvalidRequestError: it is not a part of an answer.
        """
        part = typed(data, Part)
        waiting = self._open.get(part.question)
        if waiting is None or waiting.host != host or waiting.answer.done():
            return  # the part is late or a duplicate
        if not (0 <= part.number < part.parts <= MOST_PARTS and len(part.data) <= PART_BYTES):
            raise InvalidRequestError(
                f"part {part.number} of {part.parts} of an answer of {host} is out of bounds"
            )
        waiting.parts[part.number] = part.data
        if len(waiting.parts) == part.parts:
            self._conclude(waiting)

    def _conclude(self, waiting: _Open) -> None:
        try:
            content = envelope.unwrap(b"".join(waiting.parts[number] for number in sorted(waiting.parts)))
            value, error = content["value"], content["error"]
        except (InvalidRequestError, KeyError, TypeError) as fault:
            waiting.answer.set_exception(TaskError(f"the answer of {waiting.host} cannot be read: {fault}"))
            return
        if error:
            waiting.answer.set_exception(TaskError(f"the agent on {waiting.host} answered: {error}"))
        else:
            waiting.answer.set_result(value)


class Answering:
    """Answer questions of control on an agent, each once."""

    def __init__(self, answer: Callable[[Question], Awaitable[Any]]) -> None:
        """Compute answers with ``answer``."""
        self._answer = answer
        self._answered: deque[str] = deque(maxlen=REMEMBERED)

    def is_new(self, question: Question) -> bool:
        """Return whether ``question`` is not a repetition, and remember it."""
        if question.id in self._answered:
            return False
        self._answered.append(question.id)
        return True

    async def parts(self, question: Question) -> list[dict[str, Any]]:
        """Return the answer to ``question`` as messages for control, or the reason why there is none."""
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
