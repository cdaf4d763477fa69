"""A small shell around each task that stays when the agent goes, and writes down how the task ended.

It leads the task's session and process group (docs/decisions/0009-a-keeper-for-each-task.md), and is not
killed by the signals that are sent to the group, except SIGKILL. The task does not inherit how it takes them:
a caught signal is back at its default in a new program. Its input is the status file: one number and a
newline, by one write.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from salt_o2.core.messages import Exit

SHELL = "/bin/sh"
SCRIPT = """trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM
cd -- "$1" || { echo 126 >&0; exit 126; }
[ -z "$2" ] || echo 0 >"$2/cgroup.procs" || { echo 126 >&0; exit 126; }
shift 2
ulimit -l unlimited 2>/dev/null
"$@" </dev/null
status=$?
echo $status >&0
exit $status
"""
RESET_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
WRITE = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where a keeper works and writes."""

    marker: str
    """What finds the keeper again on the command lines of /proc."""
    work: Path
    status: Path
    stdout: Path
    stderr: Path


def spawn(argv: Sequence[str], env: Mapping[str, str], files: Files, cgroup: Path | None = None) -> int:
    """Start ``argv`` under a keeper and return the keeper's pid, which is also its session and group.

    The keeper enters ``cgroup`` first, if there is one.

    ``argv[0]`` must be a path, or the shell would take it for one of its own commands.
    No open file of the agent reaches the task, see :func:`share_no_file`, and no signal is blocked or ignored
    in it.

    Raises:
        OSError: no process could be made, or a file not be opened.
    """
    files.status.unlink(missing_ok=True)
    opened = [os.open(path, WRITE, 0o600) for path in (files.status, files.stdout, files.stderr)]
    try:
        return os.posix_spawn(
            SHELL,
            [SHELL, "-c", SCRIPT, files.marker, str(files.work), str(cgroup or ""), *argv],
            dict(env),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(opened)],
            setsid=True,
            setsigmask=[],
            setsigdef=RESET_SIGNALS,
        )
    finally:
        for fd in opened:
            os.close(fd)


def share_no_file() -> None:
    """Let no file that is open now, beyond the first three, reach a program that is started.

    Files that Python opens never do; whoever started the agent may have given it others. It takes time for
    each open file, so it is for once before many tasks are started, not for each of them.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):  # the listing's own file, closed meanwhile
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.set_inheritable(int(name), False)


def read_status(path: Path) -> Exit | None:
    """Return how the task ended, as its keeper wrote it; ``None`` if it did not come to that.

    The shell's word for a death by signal n is 128 + n.
    """
    try:
        text = path.read_text()
    except OSError:
        return None
    if not text.endswith("\n") or not text.strip().isdigit():
        return None
    code = int(text)
    died = code > 128 and code - 128 in signal.valid_signals()
    return Exit(signal=code - 128) if died else Exit(code=code)


def reap(pid: int) -> Exit:
    """Take leave of keeper ``pid`` that has ended without writing a status, and say how the task ended.

    Only SIGKILL keeps a keeper from writing; one that is not a child any more cannot tell even that.
    """
    try:
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return Exit(signal=signal.SIGKILL)
    if reaped and os.WIFEXITED(status):
        return Exit(code=os.WEXITSTATUS(status))
    return Exit(signal=signal.SIGKILL)
