"""Markdown's own small forms."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars inside cells are escaped, line ends become blanks."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row([_cell(cell) for cell in row]) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: str, language: str = "console") -> str:
    """Return a fenced block."""
    return f"```{language}\n{text.strip()}\n```\n"


def page(title: str, reader: str, *parts: str) -> str:
    """Return a page whose first line below the title says who it is for."""
    return "\n".join([f"# {title}\n", f"*{reader}*\n", *parts]).rstrip() + "\n"


def prose(text: str) -> str:
    """Return a docstring's text as Markdown: rst's double backquotes and roles become code."""
    return text.replace(":class:", "").replace("``", "`")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
