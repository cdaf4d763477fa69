"""States and transitions, from the table that decides them."""

from pages import markdown
from pages.source import first_line
from salt_o2.core.states import (
    TRANSITIONS,
    ControlMode,
    EnvironmentEvent,
    EnvironmentState,
    TaskEvent,
    TaskState,
    TaskStatus,
)


def page() -> str:
    """Return the page of states."""
    rows = [(f"`{event}`", f"`{source}`", f"`{target}`") for event, source, target in TRANSITIONS]
    return markdown.page(
        "States and transitions",
        "For users who read a state on a screen, and for authors of clients.",
        "## Environments\n",
        "```{image} ../states.svg\n:alt: The states of an environment and the events between them\n```\n",
        "`RECOVER` leads to CONFIGURED if the tasks can reach it, or else to DEPLOYED. `MODIFY` is what "
        "`env_modify` does: some tasks change, the environment stays where it is.\n",
        markdown.table(("event", "from", "to"), rows),
        "## Tasks and roles\n",
        first_line(TaskState) + "\n",
        markdown.table(("state",), [(f"`{each}`",) for each in TaskState]),
        "A role has the state that all its critical tasks have. If one is in ERROR, so is the role; other "
        "differences make it MIXED.\n",
        "## Status\n",
        first_line(TaskStatus) + "\n",
        markdown.table(("status",), [(f"`{each}`",) for each in TaskStatus]),
        "## Transitions of a task, and how tasks are driven\n",
        f"{first_line(TaskEvent)} They are {_list(TaskEvent)}. A template's `control.mode` is one of "
        f"{_list(ControlMode)}.\n",
    )


def _list(kind: type[EnvironmentEvent | EnvironmentState | TaskEvent | ControlMode]) -> str:
    return ", ".join(f"`{each}`" for each in kind)
