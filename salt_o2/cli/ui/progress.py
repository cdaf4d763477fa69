"""Progress of a long operation on stderr: a live line on a terminal, a line for each change in a pipe."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from salt_o2.core.terminal_text import terminal_document
from salt_o2.presentation.progress import progress_line

Update = Callable[[dict[str, Any]], None]


@contextmanager
def shown(json: bool, colour: bool) -> Iterator[Update]:
    """Yield the function to call with each progress map. Remove the live line when the block ends."""
    if sys.stderr.isatty():
        with _moving(colour) as update:
            yield update
    elif json:
        yield lambda _progress: None
    else:
        yield _changes()


@contextmanager
def _moving(colour: bool) -> Iterator[Update]:
    """Show a live line. rich is imported only when there is progress to show."""
    live: list[Any] = []
    line = MovingLine()

    def update(progress: dict[str, Any]) -> None:
        line.progress, line.since = progress, time.monotonic()
        if not live:
            live.append(_status(line, colour))
            live[0].start()

    try:
        yield update
    finally:
        for one in live:
            one.stop()


class MovingLine:
    """The last progress, with the elapsed time."""

    def __init__(self) -> None:
        """Start without progress."""
        self.progress: dict[str, Any] = {}
        self.since = time.monotonic()

    def __rich__(self) -> Any:
        """Return the current text."""
        from salt_o2.cli.ui.colour import painted

        elapsed_s = self.progress.get("elapsed_s", 0.0) + time.monotonic() - self.since
        return painted(progress_line(terminal_document({**self.progress, "elapsed_s": elapsed_s})))


def _status(line: MovingLine, colour: bool) -> Any:
    from rich.status import Status

    from salt_o2.cli.ui.colour import screen

    return Status(line, console=screen(stderr=True, plain=not colour))


def _changes() -> Update:
    """Print a line when a field other than the time has changed."""
    last: list[dict[str, Any]] = []

    def update(progress: dict[str, Any]) -> None:
        fact = {name: value for name, value in progress.items() if name != "elapsed_s"}
        if fact not in last:
            last[:] = [fact]
            print(progress_line(terminal_document(progress)), file=sys.stderr, flush=True)

    return update
