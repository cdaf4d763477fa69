"""Output streams of coconut. Writing to them never ends in a traceback."""

import os
import sys


def make_writable() -> None:
    """Make every character writable: a stream writes an escape for what it cannot encode (``\\u2192``).

    A stream that was closed before the start is replaced by one that discards its input.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  it stays open until the exit
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def is_utf8(encoding: str | None) -> bool:
    """Return whether a stream of this ``encoding`` can show all characters."""
    return (encoding or "").replace("-", "").replace("_", "").lower() in ("utf8", "utf16", "utf32")


def flush() -> None:
    """Flush the streams.

    Raises:
        BrokenPipeError: if the program that reads them has ended.
    """
    sys.stdout.flush()


def forget_output() -> None:
    """Prevent an error message of Python at exit about output that no process reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
