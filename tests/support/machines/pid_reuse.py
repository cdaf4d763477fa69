"""Gives a stranger's process the number of a process that has ended (proc(5): ns_last_pid)."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
TRIES = 500

needs_pid_choice = pytest.mark.root("choose the next pid, at /proc/sys/kernel/ns_last_pid")


def stranger_as(pid, argv=("sleep", "1000"), env=None):
    """Start a program that is no task, leads a session, and has the number ``pid``, which must be free.

    Other programs of the machine start processes meanwhile, so several attempts may be needed.
    """
    for _ in range(TRIES):
        LAST_PID.write_text(str(pid - 1))
        started = subprocess.Popen(argv, start_new_session=True, env=env or {"PATH": os.environ["PATH"]})
        if started.pid == pid:
            return started
        os.killpg(started.pid, signal.SIGKILL)  # it is not collected, so the number is its own
        started.wait()
    raise AssertionError(f"no process could be given the number {pid} in {TRIES} attempts")
