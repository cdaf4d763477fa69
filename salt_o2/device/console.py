"""Standard output of a device: plain lines with FairMQ's severities, each written at once."""

import os
import sys
import time

from salt_o2.core.errors import O2Error

SEVERITIES = ("trace", "debug", "info", "state", "warn", "error", "fatal", "nolog")


class Output:
    """Write lines at or above one severity. ``FAIRMQ_SEVERITY`` of the environment takes precedence."""

    def __init__(self, severity: str = "info") -> None:
        """Write lines from ``severity`` up. An unknown severity counts as info."""
        wanted = os.environ.get("FAIRMQ_SEVERITY") or severity
        self._least = SEVERITIES.index(wanted) if wanted in SEVERITIES else SEVERITIES.index("info")

    def say(self, severity: str, text: str) -> None:
        """Write one line if ``severity`` is not below the configured severity."""
        if SEVERITIES.index(severity) >= self._least:
            print(f"[{time.strftime('%H:%M:%S')}][{severity.upper()}] {text}", flush=True)

    def debug(self, text: str) -> None:
        """Write a message for developers."""
        self.say("debug", text)

    def info(self, text: str) -> None:
        """Write a message for users."""
        self.say("info", text)

    def warn(self, text: str) -> None:
        """Write a warning."""
        self.say("warn", text)

    def error(self, text: str) -> None:
        """Write an error."""
        self.say("error", text)

    def failure(self, error: Exception, during: str) -> None:
        """Write why ``during`` failed. Add the source line if the device's own code is at fault."""
        self.error(f"{during} failed: {type(error).__name__}: {error}")
        if not isinstance(error, O2Error):
            import traceback

            for line in traceback.format_exception(error):
                self.error(line.rstrip())


def write_lines_at_once() -> None:
    """Make standard output line-buffered, also if it is a file or pipe."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
