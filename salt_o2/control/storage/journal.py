"""Lines of the journal, as they are written and read."""

from dataclasses import dataclass
from typing import Any

import msgspec

from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import CompleteRequest, Effect
from salt_o2.core.recovery.replay import Noted


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of the journal: a message that came ``in``, or an effect that went ``out``."""

    id: int
    at: float
    environment: EnvironmentId
    direction: str
    kind: str
    body: str


def journal_row(
    environment: EnvironmentId, at: float, direction: str, what: Noted | Effect
) -> dict[str, Any]:
    """Return the row of the journal for what an environment took in, or for an effect."""
    return {
        "at": at,
        "environment": environment,
        "direction": direction,
        "kind": type(what).__name__,
        "body": msgspec.json.encode(_answer(what) if isinstance(what, CompleteRequest) else what).decode(),
    }


def _answer(answer: CompleteRequest) -> dict[str, Any]:
    return {"request": answer.request, "error": str(answer.error) if answer.error else None}
