"""The keys of the template language, from the tables that the reader and the checker use."""

from pages import markdown
from salt_o2.workflow.templates import keys

TABLES = {
    "A role": ("ROLE", "The root of a workflow template is a role, and so is each node below it."),
    "An iterator: `for` of a role": ("LOOP", "Either `begin` and `end`, or `range`."),
    "`task` of a role": ("TASK", ""),
    "`call` of a role": ("CALL", ""),
    "A bound channel: `bind` of a role or a task template": ("BIND", ""),
    "A connected channel: `connect` of a role or a task template": ("CONNECT", ""),
    "A constraint": (
        "CONSTRAINT",
        "All constraints of a role, of its ancestors and of its task template must hold.",
    ),
    "A task template": (
        "TASK_TEMPLATE",
        "One file in `tasks/`. The name of the class is the name of the file.",
    ),
    "`control` of a task template": ("CONTROL", ""),
    "`command` of a task template": ("COMMAND", ""),
    "`wants` of a task template": ("WANTS", ""),
    "`limits` of a task template": ("LIMITS", ""),
    "A variable described for forms: a mapping tagged `!public`": ("PUBLIC", ""),
}
"""Titles, and the tables of salt_o2/workflow/templates/keys.py."""


def page() -> str:
    """Return the page of template keys."""
    return markdown.page(
        "Keys of templates",
        "For authors of workflow and task templates.",
        "A key that is in none of these tables is an error. *Templated* values may hold expressions in "
        "`{{ }}`. [Write a workflow](../howto/write-a-workflow.md) is an introduction.\n",
        *(
            f"## {title}\n\n{about}\n\n{_table(getattr(keys, name))}"
            for title, (name, about) in TABLES.items()
        ),
    )


def _table(found: keys.Table) -> str:
    rows = [
        (
            f"`{name}`",
            key.kind,
            "yes" if key.required else "",
            key.meaning.replace("{attribute, value}", "`{attribute, value}`"),
        )
        for name, key in found.items()
    ]
    return markdown.table(("key", "value", "required", "meaning"), rows)
