"""The root of coconut: global options, nouns loaded when they are named, errors turned into exit codes."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from salt_o2.cli.ui.command_aliases import with_aliases
from salt_o2.cli.ui.output_streams import flush, forget_output, make_writable
from salt_o2.cli.ui.parsing import hoist
from salt_o2.cli.ui.terminal import InterruptedRequestError, Terminal, as_json, wants_colour
from salt_o2.core.errors import O2Error, UnreachableError, as_document
from salt_o2.core.terminal_text import terminal_text

FAILED, USAGE, NO_ANSWER, INTERRUPTED = 1, 2, 3, 130

NOUNS = {
    "environment": ("env", "e"),
    "workflow": ("wf", "template"),
    "configuration": ("config", "conf"),
    "task": ("t",),
    "pool": (),
    "host": ("h",),
    "run": ("r",),
    "events": (),
    "device": ("dev",),
    "cluster": (),
    "drill": (),
    "session": (),
    "info": (),
    "doctor": (),
    "about": ("version",),
    "demo": (),
}
"""Each noun is in the module of its name in ``cli/commands``, as ``app``, or is in ``ELSEWHERE``."""

ELSEWHERE = {
    "environment": "environment.commands",
    "events": "environment.events",
    "demo": "demo",
    "session": "session",
}
"""The modules below ``salt_o2.cli`` of nouns that are not in ``cli/commands``."""

HELP = """Control distributed data-taking.

--json, --nocolor, --control and --server may be given anywhere on the command line. With --json, coconut
prints exactly one JSON document, also for an error.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no answer, 130 interrupted.
"""


class Nouns(TyperGroup):
    """Finds nouns by name or alias, and imports only the one that is named."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Return the nouns in the order of the table."""
        return list(NOUNS)

    def get_command(self, _ctx: Any, name: str) -> Any:
        """Return the command of a noun or alias; ``None`` for an unknown one."""
        for full, aliases in NOUNS.items():
            if name == full or name in aliases:
                module = ELSEWHERE.get(full, f"commands.{full}")
                command = typer.main.get_command(import_module(f"salt_o2.cli.{module}").app)
                command.name = full
                command.help = with_aliases(command.help or "", aliases)
                return command
        return None


app = typer.Typer(cls=Nouns, help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _globals(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    nocolor: Annotated[bool, typer.Option("--nocolor", help="Print no colours, as with NO_COLOR.")] = False,
    control: Annotated[
        Path | None,
        typer.Option(
            metavar="SOCKET",
            help="Control's socket. Default: O2_CONTROL, SALT_CONFIG_DIR, ./.cluster, Salt.",
        ),
    ] = None,
    server: Annotated[
        str, typer.Option(metavar="URL", help="HTTP interface to use instead. Default: O2_SERVER.")
    ] = "",
) -> None:
    ctx.obj = Terminal(as_json, wants_colour(nocolor) and not as_json, control, server.rstrip("/"))


def run(argv: list[str] | None = None) -> None:
    """Carry out one command line and exit with its code."""
    words = hoist(sys.argv[1:] if argv is None else argv)
    make_writable()
    try:
        code = _carry_out(words, Terminal(json="--json" in words))
        flush()
    except BrokenPipeError:  # the program that read our output has ended, as `head` does
        code = FAILED
        forget_output()
    sys.exit(code)


def _carry_out(words: list[str], terminal: Terminal) -> int:
    try:
        result = app(words, prog_name="coconut", standalone_mode=False)
    except BrokenPipeError:
        raise
    except InterruptedRequestError as error:
        return _complain(terminal, {"kind": "Interrupted", "message": str(error)}, INTERRUPTED)
    except O2Error as error:
        return _complain(
            terminal, as_document(error), NO_ANSWER if isinstance(error, UnreachableError) else FAILED
        )
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except OSError as error:
        return _complain(terminal, {"kind": "OSError", "message": _refused(error)}, FAILED)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _misused(terminal, error)
    if result == INTERRUPTED:  # which is also what typer makes of Ctrl-C
        return _complain(terminal, {"kind": "Interrupted", "message": "interrupted"}, INTERRUPTED)
    return result if isinstance(result, int) else 0


def _refused(error: OSError) -> str:
    """Return what the system refused, and on which file."""
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _misused(terminal: Terminal, error: Any) -> int:
    """Report what typer found wrong with the command line."""
    if terminal.json:
        return _complain(terminal, {"kind": "UsageError", "message": error.format_message()}, USAGE)
    error.show()
    return USAGE


def _complain(terminal: Terminal, error: dict[str, Any], code: int) -> int:
    if terminal.json:
        print(as_json({"error": error}))
    else:
        print(f"error: {terminal_text(error['message'])}", file=sys.stderr)
    return code
