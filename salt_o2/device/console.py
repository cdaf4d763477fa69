"""What a device says on its standard output: plain lines, each written at once, with FairMQ's severities."""

import os
import sys
import time

from salt_o2.core.errors import O2Error

SEVERITIES = ("trace", "debug", "info", "state", "warn", "error", "fatal", "nolog")


class Output:
    """Writes lines of at least one severity; ``FAIRMQ_SEVERITY`` in the environment wins."""

    def __init__(self, severity: str = "info") -> None:
        """Say no less than ``severity``; an unknown one is info."""
        wanted = os.environ.get("FAIRMQ_SEVERITY") or severity
        self._least = SEVERITIES.index(wanted) if wanted in SEVERITIES else SEVERITIES.index("info")

    def say(self, severity: str, text: str) -> None:
        """Write one line, if ``severity`` is not below what was asked for."""
        if SEVERITIES.index(severity) >= self._least:
            print(f"[{time.strftime('%H:%M:%S')}][{severity.upper()}] {text}", flush=True)

    def debug(self, text: str) -> None:
        """Write what a developer wants to know."""
        self.say("debug", text)

    def info(self, text: str) -> None:
        """Write what a user wants to know."""
        self.say("info", text)

    def warn(self, text: str) -> None:
        """Write what may be wrong."""
        self.say("warn", text)

    def error(self, text: str) -> None:
        """Write what is wrong."""
        self.say("error", text)

    def failure(self, error: Exception, during: str) -> None:
        """Write why ``during`` failed; for a fault of the device's own code, with its place."""
        self.error(f"{during} failed: {type(error).__name__}: {error}")
        if not isinstance(error, O2Error):
            import traceback

            for line in traceback.format_exception(error):
                self.error(line.rstrip())


def write_lines_at_once() -> None:
    """Make standard output line-buffered, also into a file or pipe."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
