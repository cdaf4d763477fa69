"""Show a list again at each change (``--watch``), and follow the announcements of the site.

Control answers the request ``watch`` when there is a change, so a client does not poll for changes. A list is
also refreshed every ``REFRESH_S`` seconds, because it has ages.
"""

import sys
import time
from collections.abc import Callable, Iterator
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.terminal import Terminal, fitted, is_terminal
from salt_o2.core.errors import UnreachableError
from salt_o2.core.terminal_text import terminal_document

Watch = Annotated[
    bool, typer.Option("-W", "--watch", help="Show the list again at each change, until Ctrl-C.")
]
REFRESH_S = 5.0
"""Seconds after which a list is shown again without a change: it has ages."""
PAUSE_S = 0.5
"""Seconds between two displays at least."""
RETRY_S = 2.0
"""Seconds until control is asked again after it has not answered."""
TOP = "\x1b[H\x1b[J"
"""Move the cursor to the top left corner and clear the terminal."""

Plain = dict[str, Any]


class ChangeFeed:
    """Waits for changes of the site."""

    def __init__(self, terminal: Terminal) -> None:
        """Ask control through ``terminal``. Nothing is known yet."""
        self._terminal = terminal
        self._known: Plain = {}

    def wait(self, seconds: float) -> Plain:
        """Return the changes since the last call, as soon as there are some, at the latest after ``seconds``.

        The first call returns at once.

        Raises:
            UnreachableError: if control does not answer.
        """
        wanted: Plain = {}
        if self._known:
            wanted = {"epoch": self._known["epoch"], "since": self._known["revision"], "wait_s": seconds}
        self._known = dict(self._terminal.ask("watch", wanted))
        return self._known


def show_list(
    terminal: Terminal, verb: str, arguments: Plain, text: Callable[[Any], str], watch: bool = False
) -> None:
    """Show the answer to ``verb`` as ``text``; with ``watch`` again at each change, until Ctrl-C.

    Raises:
        typer.BadParameter: if ``watch`` is combined with JSON.
    """
    if not watch:
        terminal.show(terminal.ask(verb, arguments), text)
        return
    if terminal.json:
        raise typer.BadParameter("--watch cannot be used with --json")
    _watch(terminal, lambda: text(terminal_document(terminal.ask(verb, arguments))))


def _watch(terminal: Terminal, render: Callable[[], str]) -> None:
    """Display the text of ``render`` at each change; on a terminal in place of the text before."""
    in_place, last = is_terminal(), ""
    try:
        for shown in _renderings(terminal, render):
            if in_place:
                sys.stdout.write(TOP)
                terminal.say(_clipped(shown))
            elif shown != last:
                terminal.say(shown)
            last = shown
    except KeyboardInterrupt:
        return  # the user ends the display


def _renderings(terminal: Terminal, render: Callable[[], str]) -> Iterator[str]:
    """Yield the text now and after each change; on a terminal also that control does not answer."""
    feed = ChangeFeed(terminal)
    while True:
        try:
            feed.wait(REFRESH_S)
            yield render()
            time.sleep(PAUSE_S)
        except UnreachableError as error:
            if not is_terminal():
                raise
            yield f"{error}\nasking again every {RETRY_S:g} s; Ctrl-C ends"
            time.sleep(RETRY_S)
            feed = ChangeFeed(terminal)


def _clipped(text: str) -> str:
    """Return the lines of ``text`` that fit into the terminal, and how many are left out."""
    lines = fitted(text).split("\n")
    height = max(2, get_terminal_size().lines - 1)
    if len(lines) <= height:
        return "\n".join(lines)
    return "\n".join([*lines[: height - 1], f"... {len(lines) - height + 1} more lines"])
