"""Define all errors of Salt O², as one tree.

    O2Error
    ├── TemplateError             a workflow or task template is wrong
    ├── PlanError                 a valid workflow cannot be placed
    ├── IllegalTransitionError    the state does not allow the transition
    ├── UnknownNameError          no such environment, task, workflow or host
    ├── InvalidRequestError       a request has missing, unknown or ill-typed arguments
    ├── TaskError                 a process or its control channel failed
    ├── StorageError              control's store cannot be opened or written
    └── UnreachableError          no answer at a socket, a port or a host

Every message names the subject, its host and state, the request, and what the user can do.

``as_document`` writes an error as plain data, with the attributes that its class names as ``facts``.
``rebuild`` makes an error of the same class with the same attributes from these data.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class O2Error(Exception):
    """Any failure that Salt O² reports to its user."""

    facts: ClassVar[Mapping[str, type]] = {}
    """Attributes that are sent with the message, each with its type: text, or a tuple of texts."""

    @property
    def kind(self) -> str:
        """The name of the error on the wire: that of its class, or of the nearest class of this tree."""
        return next(each.__name__ for each in type(self).__mro__ if KINDS.get(each.__name__) is each)


class TemplateError(O2Error):
    """A workflow or task template is wrong; ``problems`` has one line for each fault."""

    facts: ClassVar[Mapping[str, type]] = {"problems": tuple}

    def __init__(self, problems: list[str] | tuple[str, ...] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class PlanError(O2Error):
    """A workflow cannot be placed on the present hosts."""


class IllegalTransitionError(O2Error):
    """A subject in ``state`` has no transition ``event``; ``allowed`` are the transitions that it has."""

    facts: ClassVar[Mapping[str, type]] = {"subject": str, "state": str, "event": str, "allowed": tuple}

    def __init__(self, subject: str, state: str, event: str, allowed: tuple[str, ...] = ()) -> None:
        self.subject, self.state, self.event, self.allowed = subject, state, event, allowed
        choice = f"; possible now: {', '.join(allowed)}" if allowed else "; no event is possible now"
        super().__init__(f"{subject} is {state} and cannot {event}{choice}")


class UnknownNameError(O2Error):
    """No subject has the requested name."""


class InvalidRequestError(O2Error):
    """A request is not valid; it was refused before it changed anything."""


class TaskError(O2Error):
    """A process, or its control channel, failed."""


class StorageError(O2Error):
    """Control's store cannot be opened or written."""


class UnreachableError(O2Error):
    """No answer came from a socket, a port or a host."""


KINDS: dict[str, type[O2Error]] = {
    kind.__name__: kind
    for kind in (
        O2Error,
        TemplateError,
        PlanError,
        IllegalTransitionError,
        UnknownNameError,
        InvalidRequestError,
        TaskError,
        StorageError,
        UnreachableError,
    )
}


def as_document(error: O2Error) -> dict[str, Any]:
    """Return ``error`` as plain data: ``kind``, ``message`` and, if its class has facts, ``fields``."""
    fields = {name: getattr(error, name) for name in type(error).facts if hasattr(error, name)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {"kind": error.kind, "message": str(error), **({"fields": plain} if plain else {})}


def rebuild(error: Mapping[str, Any]) -> O2Error:
    """Return the error that ``as_document`` has written; missing facts are empty."""
    found = KINDS.get(str(error.get("kind", "")), O2Error)
    rebuilt = found.__new__(found)
    message = str(error.get("message", ""))
    Exception.__init__(rebuilt, message)  # The message is complete already and must not be composed again.
    fields = error.get("fields")
    for name, kind in found.facts.items():
        setattr(rebuilt, name, _fact(fields.get(name) if isinstance(fields, Mapping) else None, kind))
    if isinstance(rebuilt, TemplateError):
        rebuilt.problems = rebuilt.problems or (message,)
    return rebuilt


def _fact(value: Any, kind: type) -> str | tuple[str, ...]:
    """Return ``value`` if it has the wire type of ``kind``, else the empty value."""
    if kind is tuple:
        return tuple(str(each) for each in value) if isinstance(value, list | tuple) else ()
    return value if isinstance(value, str) else ""
