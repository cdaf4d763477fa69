"""The streams that coconut writes to: whatever they are, writing to them does not end in a traceback."""

import os
import sys


def make_writable() -> None:
    """Let every character be written; what a stream cannot encode is written as an escape (``\\u2192``).

    A stream that was closed before the start is replaced by one that takes everything and keeps nothing.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115  it lives as long as we do
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def is_utf8(encoding: str | None) -> bool:
    """Return whether a stream of this ``encoding`` can show all characters."""
    return (encoding or "").replace("-", "").replace("_", "").lower() in ("utf8", "utf16", "utf32")


def flush() -> None:
    """Write out what is left.

    Raises:
        BrokenPipeError: if the program that read it has ended.
    """
    sys.stdout.flush()


def forget_output() -> None:
    """Let Python not complain, when it exits, about what nobody reads any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
