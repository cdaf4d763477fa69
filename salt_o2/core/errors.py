"""What can go wrong, as one tree.

    O2Error
    ├── TemplateError        the workflow as written makes no sense
    ├── PlanError            it makes sense but cannot be placed
    ├── IllegalTransition    not from this state
    ├── UnknownName          no such environment, task, workflow or host
    ├── InvalidRequest       a request with missing, unknown or ill-typed arguments
    ├── TaskError            a process or its control channel failed
    ├── StorageError         control's store cannot be opened or written
    └── Unreachable          nobody answers at a socket, a port or a host

Every message says who, where, in which state, what was asked and what to do.
"""


class O2Error(Exception):
    """Any failure that Salt O² announces to its user."""

    @property
    def kind(self) -> str:
        """The name under which the error travels over the wire."""
        return type(self).__name__


class TemplateError(O2Error):
    """A workflow or task template is wrong; ``problems`` has one line for each fault."""

    def __init__(self, problems: list[str] | tuple[str, ...] | str) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class PlanError(O2Error):
    """A workflow cannot be placed on the hosts there are."""


class IllegalTransition(O2Error):
    """A subject in ``state`` has no transition ``event``."""

    def __init__(self, subject: str, state: str, event: str, allowed: tuple[str, ...] = ()) -> None:
        self.subject, self.state, self.event, self.allowed = subject, state, event, allowed
        choice = f"; from here it can do {', '.join(allowed)}" if allowed else "; it can go nowhere from here"
        super().__init__(f"{subject} is {state} and cannot {event}{choice}")


class UnknownName(O2Error):
    """Nothing has the name that was asked for."""


class InvalidRequest(O2Error):
    """A request that makes no sense, refused before anything happened."""


class TaskError(O2Error):
    """A process, or its control channel, failed."""


class StorageError(O2Error):
    """Control's store cannot be opened, or takes nothing in."""


class Unreachable(O2Error):
    """Nobody answered."""


KINDS: dict[str, type[O2Error]] = {
    kind.__name__: kind
    for kind in (
        O2Error,
        TemplateError,
        PlanError,
        IllegalTransition,
        UnknownName,
        InvalidRequest,
        TaskError,
        StorageError,
        Unreachable,
    )
}


def rebuild(kind: str, message: str) -> O2Error:
    """Return the error that ``kind`` and ``message`` describe, as it came over the wire."""
    found = KINDS.get(kind, O2Error)
    error = found.__new__(found)
    Exception.__init__(error, message)  # the message is whole already: it must not be composed again
    return error
