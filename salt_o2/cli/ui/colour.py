"""Colour for plain text. States and headings are recognised, so one renderer serves pipes and terminals."""

import sys

from rich.console import Console
from rich.text import Text

STYLES = {
    r"\b(RUNNING|ACTIVE)\b": "bold green",
    r"\b(CONFIGURED|yes|ok)\b": "cyan",
    r"\b(DEPLOYED|STANDBY|PENDING|PARTIAL)\b": "yellow",
    r"\b(ERROR|UNDEPLOYABLE|FAILED)\b|^error:|^dead:": "bold red",
    r"\b(DONE|INACTIVE|UNKNOWN)\b|[├└│─]+|→|^\+[-+]+\+$": "dim",
    r"^ +(\+|o)(?= [a-z])|^\+(?= role )": "bold green",
    r"^ +~(?= [a-z])|^~(?= )|^ +@(?= )": "bold yellow",
    r"^ +(-|x|-/\+)(?= [a-z])|^-(?= role )": "bold red",
    r"   <- .*$|^ +\$ .*$": "dim",
    r"\bMIXED\b": "magenta",
    r"^[a-z][a-z ]*:(?= |$)": "bold",
}
"""Patterns and their styles. The first match wins."""


def painted(text: str) -> Text:
    """Return ``text`` with styles."""
    result = Text(text)
    for pattern, style in reversed(STYLES.items()):
        result.highlight_regex(f"(?m){pattern}", style)
    return result


def screen(stderr: bool = False, plain: bool = False) -> Console:
    """Return a console that does not wrap lines, so that output can be copied unchanged."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, soft_wrap=True, highlight=False, no_color=plain)
