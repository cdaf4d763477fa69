"""Context of a command: control's socket, and the output format."""

import json
import os
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from salt_o2.cli.ui.output_streams import is_utf8
from salt_o2.cli.ui.socket_lookup import control_socket
from salt_o2.core.terminal_text import SEVERAL_LINES, terminal_document, terminal_json, terminal_text

if TYPE_CHECKING:  # slow to import, and a command needs one of them
    from salt_o2.client.control_client import ControlClient
    from salt_o2.client.http_client import HttpClient


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

        progress = shown(self.json, self.colour)
        with self._client() as client, progress as on_progress:
            return client.request(verb, arguments, on_progress, timeout_s)

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
        text = terminal_text(text)
        if self.colour:
            from salt_o2.cli.ui.colour import painted, screen

            screen().print(painted(text))
        else:
            print(text, flush=True)  # a program may read the output through a pipe while it grows

    def note(self, text: str) -> None:
        """Print a status line on stderr, unless a program reads the output."""
        if not self.json:
            print(terminal_text(text), file=sys.stderr)


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
    return sys.stdout.isatty() and not nocolor and not os.environ.get("NO_COLOR")
