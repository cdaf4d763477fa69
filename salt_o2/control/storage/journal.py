"""Rows of the journal, as control writes and reads them."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Executable, insert

from salt_o2.control.storage.schema import JOURNAL
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import CompleteRequest, Effect
from salt_o2.core.recovery.replay import Noted


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One row of the journal: a message, ``in``, or an effect, ``out``."""

    id: int
    at: float
    environment: EnvironmentId
    direction: str
    kind: str
    body: str


def journal_row(
    environment: EnvironmentId, at: float, direction: str, what: Noted | Effect
) -> dict[str, Any]:
    """Return the journal row of a message to an environment, or of an effect."""
    return {
        "at": at,
        "environment": environment,
        "direction": direction,
        "kind": type(what).__name__,
        "body": msgspec.json.encode(_answer(what) if isinstance(what, CompleteRequest) else what).decode(),
    }


def journal_insert(environment: EnvironmentId, message: Noted) -> Executable:
    """Return the statement that adds the row of ``message`` to the journal in the present transaction."""
    return insert(JOURNAL).values(journal_row(environment, message.at, "in", message))


def _answer(answer: CompleteRequest) -> dict[str, Any]:
    return {"request": answer.request, "error": str(answer.error) if answer.error else None}
