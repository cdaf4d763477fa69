"""The reference pages, made from the code whenever the documentation is built.

Each page is a function without arguments that returns Markdown; ``PAGES`` names them all. Git does not
keep them, so a page cannot be older than the code.
"""

from pathlib import Path

from pages import commands, events, execution, roles, settings, state_tables, template_keys, template_names

PAGES = {
    "runner": execution.runner,
    "modules": execution.modules,
    "coconut": commands.page,
    "events": events.page,
    "settings": settings.page,
    "roles": roles.page,
    "states": state_tables.page,
    "templates": template_keys.page,
    "names": template_names.page,
}
"""The pages of docs/reference/, by file name."""


def write(folder: Path) -> None:
    """Write all pages into ``folder``; Sphinx need not read again what has not changed."""
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
