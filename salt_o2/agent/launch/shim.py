"""A small shell around each task that stays when the agent goes, and writes down how the task ended.

It leads the task's session and process group (docs/decisions/0009-a-shim-for-each-task.md), and is not
killed by the signals that are sent to the group, except SIGKILL. The task does not inherit how it takes them:
a caught signal is back at its default in a new program. Its input is the status file: one number and a
newline, by one write; then maybe ``killed``, see :func:`has_killed`.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from salt_o2.agent.storage.task_directory import TaskFiles
from salt_o2.core.messages.reports import Exit
from salt_o2.linux import procfs

SHELL = "/bin/sh"
SCRIPT = """trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM
cd -- "$1" || { echo 126 >&0; exit 126; }
[ -z "$2" ] || echo 0 >"$2/cgroup.procs" || { echo 126 >&0; exit 126; }
adopts=$3 variables=$4 switches=$5
shift 5
ulimit -l unlimited 2>/dev/null
if [ "$switches" ]; then
    "$@" </dev/null 3<"$variables"
else
    (. /proc/self/fd/3 && exec "$@" 3<&-) </dev/null 3<"$variables"
fi
status=$?
echo $status >&0
children=/proc/$$/task/$$/children
told= turns=0
while [ -n "$adopts" ] && [ -r $children ] && { read -r left <$children; [ -n "$left" ]; }; do
    for pid in $left; do
        case "$told " in
            *" $pid "*) [ $turns -lt "$adopts" ] || { kill -KILL $pid 2>/dev/null && echo killed >&0; } ;;
            *) kill -TERM $pid 2>/dev/null; told="$told $pid" ;;
        esac
    done
    turns=$((turns + 1))
    sleep 0.1
done
exit $status
"""
"""After the program's end a shim that adopts orphans ends what is left, before it ends itself.

Without it they lose their descent, by which alone some are known. The pids are its children's, so no other
process can have them.
"""
RUN = '. /proc/self/fd/3 && exec "$@" 3<&-'
"""What runs with the task's own account: it sets the task's variables and becomes the program."""
RESET_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
ADOPT = """
import _signal, ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
    _signal.signal(number, _signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the shim adopt the orphans of its task (prctl(2): PR_SET_CHILD_SUBREAPER), which sh cannot ask for.

Python ignores two signals, which the shim's program would inherit. This costs 12 ms for each start, so it is
done only where there is no control group to hold the task's processes. Module `signal` would cost 7 ms more:
it makes enumerations of what `_signal` has as numbers.
"""
SIGNALS = frozenset(signal.valid_signals())
"""Computed once: it is a tenth of what the end of a task costs."""
WRITE = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    files: TaskFiles,
    switch: Sequence[str] = (),
    cgroup: Path | None = None,
    grace_s: float = 1.0,
) -> int:
    """Start ``argv`` under a keeper and return the keeper's pid, which is also its session and group.

    The keeper has ``env``, and so has ``switch``, the words that change the account; the program has what
    ``files.variables`` sets. The keeper enters ``cgroup`` first. If there is none, it adopts orphans of the
    task, and gives them ``grace_s`` seconds between SIGTERM and SIGKILL when the program has ended.

    ``argv[0]`` must be a path, or the shell would take it for one of its own commands.
    No open file of the agent reaches the task, see :func:`share_no_file`, and no signal is blocked or ignored
    in it.

    Raises:
        OSError: no process could be made, or a file not be opened.
    """
    files.status.unlink(missing_ok=True)
    opened = [os.open(path, WRITE, 0o600) for path in (files.status, files.stdout, files.stderr)]
    words = [*switch, SHELL, "-c", RUN, "o2-task", *argv] if switch else argv
    command = _shim(words, files, cgroup, grace_s, switches=bool(switch))
    try:
        return os.posix_spawn(
            command[0],
            command,
            dict(env),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(opened)],
            setsid=True,
            setsigmask=[],
            setsigdef=RESET_SIGNALS,
        )
    finally:
        for fd in opened:
            os.close(fd)


def _shim(
    words: Sequence[str], files: TaskFiles, cgroup: Path | None, grace_s: float, *, switches: bool
) -> list[str]:
    """Return the command line of the keeper of ``words``."""
    adopts = "" if cgroup else str(round(10 * grace_s))
    settings = [str(files.work), str(cgroup or ""), adopts, str(files.variables), "yes" if switches else ""]
    command = [SHELL, "-c", SCRIPT, files.marker, *settings, *words]
    return command if cgroup else [sys.executable, "-I", "-S", "-c", ADOPT, *command]


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
    first, whole, _ = text.partition("\n")
    if not whole or not first.isdigit():
        return None
    code = int(first)
    died = code > 128 and code - 128 in SIGNALS
    return Exit(signal=code - 128) if died else Exit(code=code)


def has_killed(path: Path) -> bool:
    """Return whether the keeper had to kill what the program left, by SIGKILL."""
    try:
        return "killed" in path.read_text().splitlines()[1:]
    except OSError:
        return False


def exit_of(pid: int, started: int) -> Exit:
    """Return how a task ended whose keeper ``pid`` has ended without writing a status.

    Only SIGKILL keeps a keeper from writing; one that is not a child any more cannot tell even that. A child
    is not collected, so its number is not given again: see :func:`collect`.
    """
    with suppress(ChildProcessError):
        if procfs.is_zombie(pid, started):
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None and found.si_code == os.CLD_EXITED:
                return Exit(code=found.si_status)
    return Exit(signal=signal.SIGKILL)


def collect(pid: int, started: int) -> None:
    """Collect keeper ``pid``, which has ended, if it is a child: from now on its number is free."""
    if procfs.is_zombie(pid, started):
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
