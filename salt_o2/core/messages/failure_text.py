"""Format failures as messages that a shift operator can act on."""

from collections.abc import Iterable

from salt_o2.core.messages.reports import Failure
from salt_o2.core.plan.plan import PlannedTask

SHOWN = 5
"""Above this number, failed tasks are counted and not listed: they tend to have one cause."""

OUTPUT_SHOWN = 8
"""Number of lines of a failed process's output that a message contains."""


def format_failures(what: str, failures: Iterable[tuple[PlannedTask, Failure]]) -> str:
    """Return a message with each failure: what failed, its host, its state, the reason, what to do."""
    ordered = sorted(failures, key=lambda pair: (not pair[0].critical, pair[0].path))
    head = f"{what} failed: {len(ordered)} task{'s' if len(ordered) != 1 else ''} did not reach the state"
    lines = [head, *(format_failure(task, failure) for task, failure in ordered[:SHOWN])]
    if len(ordered) > SHOWN:
        lines.append(f"... and {len(ordered) - SHOWN} more: `coconut task list --state failed`")
    return "\n".join(lines)


def format_failure(task: PlannedTask, failure: Failure) -> str:
    """Return the failure of one task, with the last lines of its process's output."""
    text = (
        f"role {task.path} (task {task.id}, {task.class_name}) on host {task.host}: "
        f"{failure.asked} in state {failure.state or '-'}: {failure.reason}"
    )
    if failure.advice:
        text += f"\n  what to do: {failure.advice}"
    if failure.output:
        text += "".join(f"\n  | {line}" for line in failure.output[-OUTPUT_SHOWN:])
    return text
