"""Context of a command: control's socket, and the output format."""

import json
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import typer

from salt_o2.cli.ui.output_streams import is_utf8
from salt_o2.cli.ui.socket_lookup import control_socket
from salt_o2.core.errors import O2Error
from salt_o2.core.terminal_text import SEVERAL_LINES, terminal_document, terminal_json, terminal_text

if TYPE_CHECKING:  # slow to import, and a command needs one of them
    from salt_o2.client.control_client import ControlClient
    from salt_o2.client.http_client import HttpClient

Update = Callable[[dict[str, Any]], None]
LOOKING = frozenset(
    "list show info log history replay diff plan check expand graph tasks watch".split()  # noqa: SIM905
)
"""Last words of the verbs of requests that change nothing."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Output options that the user has given."""

    json: bool = False
    colour: bool = False
    control: Path | None = None
    """Socket given with ``--control``."""
    server: str = ""
    """URL given with ``--server``."""

    def server_client(self) -> "HttpClient | None":
        """Return a client of the HTTP interface given with ``--server`` or O2_SERVER, if one is given.

        ``--control`` has precedence over O2_SERVER.
        """
        server = self.server or ("" if self.control else os.environ.get("O2_SERVER", ""))
        if not server:
            return None
        from salt_o2.client.http_client import HttpClient
        from salt_o2.client.saved_sessions import token_of

        return HttpClient(server, token_of(server), os.environ.get("O2_CACERT", ""))

    def _client(self) -> "ControlClient | HttpClient":
        found = self.server_client()
        if found is not None:
            return found
        from salt_o2.client.control_client import ControlClient

        return ControlClient(control_socket(self.control))

    def ask(self, verb: str, arguments: dict[str, Any] | None = None, timeout_s: float = 600.0) -> Any:
        """Return control's answer to one request. Show live progress while the request runs."""
        from salt_o2.cli.ui.progress import shown

        under_way = _UnderWay(verb)
        progress = shown(self.json, self.colour)
        with self._client() as client, progress as on_progress:
            try:
                return client.request(verb, arguments, under_way.recording(on_progress), timeout_s)
            except KeyboardInterrupt:
                if told := under_way.description():
                    raise InterruptedRequestError(told) from None
                raise

    def show(
        self,
        document: Any,
        text: Callable[[Any], str],
        several_lines: Collection[str] = SEVERAL_LINES,
    ) -> None:
        """Print ``document``: as JSON, or as ``text`` renders it, in colour if wanted.

        ``several_lines`` are the fields whose texts have several lines.
        """
        if self.json:
            print(as_json(document))
        else:
            self.say(text(terminal_document(document, several_lines)))

    def say(self, text: str) -> None:
        """Print text, in colour if wanted. Print nothing when the answer is JSON."""
        if self.json:
            return
        text = fitted(terminal_text(text))
        if self.colour:
            from salt_o2.cli.ui.colour import painted, screen

            screen().print(painted(text))
        else:
            print(text, flush=True)  # a program may read the output through a pipe while it grows

    def note(self, text: str) -> None:
        """Print a status line on stderr, unless a program reads the output."""
        if not self.json:
            print(terminal_text(text), file=sys.stderr)


class InterruptedRequestError(O2Error):
    """The user has interrupted the wait for an answer; control continues the request."""


class _UnderWay:
    """What control has reported of a request."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._last: dict[str, Any] = {}

    def recording(self, update: Update) -> Update:
        """Return ``update``, which also records what it is called with."""

        def record(progress: dict[str, Any]) -> None:
            self._last = progress
            update(progress)

        return record

    def description(self) -> str:
        """Return what control continues, and how to follow it; empty if it changes nothing."""
        if environment := self._last.get("environment"):
            doing = self._last.get("transition") or self._verb
            return (
                f"interrupted; control continues {doing} of environment {environment}. "
                f"See coconut env show {environment}"
            )
        if self._verb.rpartition("_")[2] in LOOKING:
            return ""
        return f"interrupted; control continues {self._verb}, as far as it has begun. See coconut env list"


def fitted(text: str) -> str:
    """Return ``text`` with tables that fit into the terminal; as it is if stdout is no terminal."""
    if not is_terminal():
        return text
    from salt_o2.presentation.layout import fit_tables

    return fit_tables(text, get_terminal_size().columns)


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout.isatty()


def as_json(document: Any) -> str:
    """Return ``document`` as JSON, with escapes where stdout cannot show all characters."""
    return terminal_json(json.dumps(document, indent=2, ensure_ascii=not is_utf8(sys.stdout.encoding)))


def conclude(terminal: Terminal, env: dict[str, Any], text: Callable[[Any], str]) -> None:
    """Show the resulting environment. Exit with a failure if it is in ERROR."""
    terminal.show(env, text)
    if env["state"] == "ERROR":
        raise typer.Exit(1)


def wants_colour(nocolor: bool) -> bool:
    """Return whether to colour stdout: on a terminal, unless the user disabled it (https://no-color.org)."""
    return is_terminal() and not nocolor and not os.environ.get("NO_COLOR")
