"""Runs one program as another account and ends every process that it leaves: a script, started by its path.

    python -I -S reaper.py UID GID PROGRAM ARGUMENT...

The first line of its standard input is a JSON object: the environment of the program. An author of templates
writes some of it, so it may not be the environment of this script, which runs as root.

The script is the subreaper of the program (`PR_SET_CHILD_SUBREAPER`, `prctl(2)`): a process of the program
that leaves its session or loses its parent becomes a child of this script, which ends it. The script ends the
program when its standard input ends, so nothing goes on when control ends or gives up waiting. It exits with
the program's exit code, or 128 + N if signal N ended it.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
ENDING_S = 10.0
"""How long the script tries to end the remaining processes, in seconds."""


def main(uid: int, gid: int, command: list[str]) -> int:
    """Run ``command`` as ``uid`` and ``gid``; return its exit code after all its processes have ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    environment = json.loads(_read_line())
    null = os.open(os.devnull, os.O_RDONLY)
    program = os.fork()
    if program == 0:
        os.setsid()
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        os.umask(0o022)
        os.dup2(null, 0)
        os.execve(command[0], command, environment)
    status = _wait(program)
    _end_all()
    return status


def _read_line() -> bytes:
    """Read the one line that control writes; without it this script ends."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 65_536)
        if not part:
            sys.exit(2)
        line += part
    return line


def _wait(program: int) -> int:
    """Wait until the program ends or the input is closed; collect other processes that end meanwhile."""
    handle = os.pidfd_open(program)
    while True:
        ready, _, _ = select.select([handle, 0], [], [], 1.0)
        if handle in ready:
            _, status = os.waitpid(program, 0)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if 0 in ready and not os.read(0, 1):
            return 128 + signal.SIGTERM


def _end_all() -> None:
    """Kill all descendants until none remains; the next pass kills processes forked meanwhile."""
    deadline = time.monotonic() + ENDING_S
    while (found := _descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        _collect()


def _collect() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _descendants(root: int) -> list[int]:
    parents = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would cost start-up time
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    found, level = [], [root]
    while level:
        level = [pid for pid, parent in parents.items() if parent in level]
        found += level
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
