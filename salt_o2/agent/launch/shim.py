"""The shim: a small shell around each task that survives the agent and records how the task ended.

The shim leads the task's session and process group (docs/decisions/0009-a-shim-for-each-task.md). Of the
signals that are sent to the group, only SIGKILL kills it. The task does not inherit this: a new program
resets caught signals to their defaults. Standard input of the shim is the status file. The shim writes one
number and a newline to it, in one write, then possibly ``killed``, see :func:`has_killed`.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from salt_o2.agent.storage.task_directory import TaskFiles
from salt_o2.core.messages.reports import Exit
from salt_o2.linux.kernel import LINUX, Kernel

SHELL = "/bin/sh"
SCRIPT = """trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM
cd -- "$1" || { echo 126 >&0; exit 126; }
[ -z "$2" ] || echo 0 >"$2/cgroup.procs" || { echo 126 >&0; exit 126; }
adopts=$3 variables=$4 account=$5
shift 5
ulimit -l unlimited 2>/dev/null
if [ "$account" ]; then
    "$@" </dev/null 3<"$variables"
else
    (. /proc/self/fd/3 && exec "$@" 3<&-) </dev/null 3<"$variables"
fi
status=$?
echo $status >&0
children=/proc/$$/task/$$/children
users_of() {
    users=
    { while read -r key real effective saved _; do
        [ "$key" != Uid: ] || users="$real $effective $saved"
    done </proc/$1/status; } 2>/dev/null
}
users_of $$
own=${users%% *}
: "${account:=$own}"
is_stranger() {
    [ "$own" = 0 ] || return 1
    users_of $1
    case " $users " in "  " | *" $account "*) return 1 ;; esac
    [ /proc/$1/ns/user -ef /proc/$$/ns/user ] || return 1
    { read -r stat </proc/$1/stat; } 2>/dev/null || return 1
    stat=${stat##*) }
    set -- $stat
    [ "$4" != $$ ]
}
signalled= turns=0
while [ -n "$adopts" ] && [ -r $children ] && { read -r all <$children; [ -n "$all" ]; }; do
    left= strangers=
    for pid in $all; do
        if is_stranger $pid; then strangers="$strangers $pid"; else left="$left $pid"; fi
    done
    if [ -z "$left" ]; then
        echo "these have an account and a session of their own, and stay:$strangers" >&2
        break
    fi
    for pid in $left; do
        case "$signalled " in
            *" $pid "*) [ $turns -lt "$adopts" ] || { kill -KILL $pid 2>/dev/null && echo killed >&0; } ;;
            *) kill -TERM $pid 2>/dev/null; signalled="$signalled $pid" ;;
        esac
    done
    turns=$((turns + 1))
    sleep 0.1
done
exit $status
"""
"""A shim that adopts orphans stops all remaining processes after the program ends, then ends itself.

Without the shim these processes lose their descent, and descent alone identifies some of them. The pids are
those of the shim's children, so no other process can have them. A child with a session of its own and another
account than the task's stays: a service that was started within the task, for example.
"""
RUN = '. /proc/self/fd/3 && exec "$@" 3<&-'
"""Runs with the task's own account: sets the task's variables and becomes the program."""
ADOPT = """
import _signal, ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for number in (_signal.SIGPIPE, _signal.SIGXFSZ):
    _signal.signal(number, _signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Makes the shim adopt the orphans of its task (prctl(2): PR_SET_CHILD_SUBREAPER), which sh cannot do.

Python ignores two signals, which the shim's program would inherit. This costs 12 ms for each start, so it is
done only if no control group holds the task's processes. Module `signal` would cost 7 ms more: it makes
enumerations of the numbers in `_signal`.
"""
SIGNALS = frozenset(signal.valid_signals())
"""Computed once: it takes a tenth of the time that the end of a task costs."""
WRITE = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    files: TaskFiles,
    switch: Sequence[str] = (),
    cgroup: Path | None = None,
    grace_s: float = 1.0,
    kernel: Kernel = LINUX,
    account: int | None = None,
) -> int:
    """Start ``argv`` under a shim and return the shim's pid, which is also its session and group.

    The shim and ``switch``, the words that change to the uid ``account``, get ``env``; the program gets the
    variables that ``files.variables`` sets. The shim enters ``cgroup`` first. Without a ``cgroup`` the shim
    adopts orphans of the task. When the program has ended, it gives them ``grace_s`` seconds between SIGTERM
    and SIGKILL.

    ``argv[0]`` must be a path; otherwise the shell would take it for one of its own commands. No open file of
    the agent reaches the task, see :func:`share_no_file`. No signal is blocked or ignored in the task.

    Raises:
        OSError: no process could be created, or a file could not be opened.
    """
    files.status.unlink(missing_ok=True)
    opened = [os.open(path, WRITE, 0o600) for path in (files.status, files.stdout, files.stderr)]
    words = [*switch, SHELL, "-c", RUN, "o2-task", *argv] if switch else argv
    command = _shim(words, files, cgroup, grace_s, account)
    try:
        return kernel.spawn(command, env, opened)
    finally:
        for fd in opened:
            os.close(fd)


def _shim(
    words: Sequence[str], files: TaskFiles, cgroup: Path | None, grace_s: float, account: int | None
) -> list[str]:
    """Return the command line of the shim of ``words``."""
    adopts = "" if cgroup else str(round(10 * grace_s))
    settings = [
        str(files.work),
        str(cgroup or ""),
        adopts,
        str(files.variables),
        "" if account is None else str(account),
    ]
    command = [SHELL, "-c", SCRIPT, files.marker, *settings, *words]
    return command if cgroup else [sys.executable, "-I", "-S", "-c", ADOPT, *command]


def share_no_file() -> None:
    """Prevent programs that start later from inheriting files that are open now, beyond the first three.

    Files that Python opens are never inherited, but the agent may have inherited other files itself. The call
    takes time for each open file, so call it once before many tasks are started, not for each task.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        # The file of the listing itself may have been closed meanwhile.
        with suppress(OSError):
            if int(name) > 2 and os.get_inheritable(int(name)):
                os.set_inheritable(int(name), False)


def read_status(path: Path) -> Exit | None:
    """Return the task's exit status as its shim wrote it; ``None`` if the shim wrote none.

    The shell reports the end by signal n as 128 + n.
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
    """Return whether the shim had to send SIGKILL to processes that the program left."""
    try:
        return "killed" in path.read_text().splitlines()[1:]
    except OSError:
        return False


def exit_of(pid: int, started: int, kernel: Kernel = LINUX) -> Exit:
    """Return the exit status of a task whose shim ``pid`` ended without writing one.

    Only SIGKILL prevents a shim from writing. The status of a shim that is no child any more is unknown. A
    child is not collected, so the kernel does not reuse its pid: see :func:`collect`.
    """
    code = kernel.exit_code(pid) if kernel.is_zombie(pid, started) else None
    if code is not None:
        return Exit(code=code)
    return Exit(signal=signal.SIGKILL)


def collect(pid: int, started: int, kernel: Kernel = LINUX) -> None:
    """Collect shim ``pid``, which has ended, if it is a child: from now on its pid is free."""
    if kernel.is_zombie(pid, started):
        kernel.collect(pid)
