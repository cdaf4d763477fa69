"""Failures told so that somebody on shift can act on them."""

from collections.abc import Iterable

from salt_o2.core.messages.reports import Failure
from salt_o2.core.plan.plan import PlannedTask

SHOWN = 5
"""More failed tasks than this are counted, not told one by one: they tend to have one cause."""

OUTPUT_SHOWN = 8
"""Lines of a failed process's output that are told."""


def format_failures(what: str, failures: Iterable[tuple[PlannedTask, Failure]]) -> str:
    """Return a message that says what failed, on which host, in which state, why, and what to do."""
    told = sorted(failures, key=lambda pair: (not pair[0].critical, pair[0].path))
    head = f"{what} failed: {len(told)} task{'s' if len(told) != 1 else ''} did not get there"
    lines = [head, *(format_failure(task, failure) for task, failure in told[:SHOWN])]
    if len(told) > SHOWN:
        lines.append(f"... and {len(told) - SHOWN} more (see env_show)")
    return "\n".join(lines)


def format_failure(task: PlannedTask, failure: Failure) -> str:
    """Return what happened to one task, its process's last words included."""
    text = (
        f"role {task.path} (task {task.id}, {task.class_name}) on host {task.host}: "
        f"{failure.asked} in state {failure.state or '-'}: {failure.reason}"
    )
    if failure.advice:
        text += f"\n  what to do: {failure.advice}"
    if failure.output:
        text += "".join(f"\n  | {line}" for line in failure.output[-OUTPUT_SHOWN:])
    return text
