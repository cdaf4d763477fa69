"""Read the times of hooks and calls from templates: moments, durations and tolerated losses."""

from salt_o2.core.errors import InvalidRequestError, TemplateError
from salt_o2.core.plan.moments import Moment, parse
from salt_o2.core.plan.run_arguments import seconds
from salt_o2.core.states import EnvironmentEvent
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.templates.text import Text, rendered
from salt_o2.workflow.variables.stack import Stack

HOOK_S = 30.0
"""Time limit of a hook or call that sets none, in seconds (AliECS ``core/workflow/roletraits.go``)."""

NEVER = Moment("")
"""The moment of a call whose trigger is empty: no transition reaches it."""


def is_empty(text: Text, stack: Stack, path: str) -> bool:
    """Return whether ``text`` is empty at the role of ``stack``; false if it cannot be rendered."""
    written = rendered(text, stack, path, Problems())
    return written is not None and not written.strip()


def moment_of(text: Text, stack: Stack, path: str, problems: Problems) -> Moment | None:
    """Return the moment that ``text`` names at the role of ``stack``, or record why it names none.

    The bare name of an event and an empty text are accepted, with a note: templates have them, and AliECS
    never triggers them.
    """
    written = rendered(text, stack, path, problems)
    if written is None:
        return None
    if not written.strip():
        problems.note(text.place, path, "the trigger is empty: it is never called")
        return NEVER
    if written.strip() in tuple(EnvironmentEvent):
        event = written.strip()
        problems.note(text.place, path, f"{event} is not a moment: before_{event}, after_{event}?")
        return Moment(event)
    try:
        return parse(written)
    except TemplateError as error:
        problems.add(text.place, path, str(error))
        return None


def seconds_of(text: Text | None, stack: Stack, path: str, problems: Problems) -> float:
    """Return the duration that ``text`` names, in seconds; without a text, the time limit of a hook."""
    written = rendered(text, stack, path, problems) if text else None
    if text is None or written is None:
        return HOOK_S
    try:
        found = seconds(written)
    except InvalidRequestError as error:
        problems.add(text.place, path, f"timeout: {error}")
        return HOOK_S
    if found == 0:
        problems.note(text.place, path, f"timeout {written}: no limit of its own, so {HOOK_S:g} s apply")
    return found or HOOK_S


def losses_of(text: Text | None, children: int, stack: Stack, path: str, problems: Problems) -> int:
    """Return how many of ``children`` may be lost: ``text`` is 2, 0.2 or 20%."""
    written = rendered(text, stack, path, problems) if text else None
    if text is None or written is None:
        return 0
    share = _share(written.strip())
    if share is None:
        what = f"tolerate must be a number, as in 2, or a fraction, as in 0.2 or 20%, not {written!r}"
        problems.add(text.place, path, what)
        return 0
    count, part = share
    return min(count if part is None else int(children * part + 1e-9), children)


def _share(written: str) -> tuple[int, float | None] | None:
    """Return a number of children, or a part of all between 0 and 1; ``None`` if it is neither."""
    if written.isascii() and written.isdecimal() and len(written) < 10:
        return int(written), None
    try:
        part = float(written.removesuffix("%")) / (100 if written.endswith("%") else 1)
    except ValueError:
        return None
    return (0, part) if 0 <= part <= 1 else None
