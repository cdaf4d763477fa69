"""Faults while no agent runs on a host: to tasks and to their records."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salt_o2.cluster.faults.components import agent_pid, daemon
from salt_o2.cluster.faults.schedule import Action
from salt_o2.cluster.paths import MARKER, layout
from salt_o2.cluster.processes import (
    Process,
    members,
    parent_of,
    session_of,
    start_time,
    variable_of,
    wait_until_gone,
)

MARK = "O2_TASK_HOME"
"""Variable with a task's directory, set in all its processes (agent/process/orphan_audit.py)."""
AGENT_IS_THERE_S = 10.0
"""Time limit for the restart of an agent that another fault has just killed, in seconds."""
GONE_S = 5.0
"""Time limit for the kernel to end a killed process and for its parent to reap it, in seconds."""
_POLL_S = 0.02
RECORDS = "task.*"
"""Pattern of the files of a task's record, in the task's directory."""
RECORD = "task.json"


@contextmanager
def without_agent(directory: str | Path, host: str) -> Iterator[None]:
    """Kill the agent of ``host`` and prevent its supervisor from starting another until the block ends.

    Do nothing if the minion does not run.
    """
    agent = _agent(directory, host)
    supervisor = _process("supervisor", parent_of(agent.pid)) if agent else None
    if supervisor:
        supervisor.send(signal.SIGSTOP)
    try:
        if agent:
            agent.send(signal.SIGKILL)
            wait_until_gone([agent], GONE_S)
        yield
    finally:
        if supervisor:
            supervisor.send(signal.SIGCONT)


def _agent(directory: str | Path, host: str) -> Process | None:
    """Return the agent of ``host``. Wait for one that is being started; ``None`` if its minion is dead."""
    until = time.monotonic() + AGENT_IS_THERE_S
    while (leader := daemon(directory, host)) and leader.alive and time.monotonic() < until:
        if found := _process("agent", agent_pid(directory, host)):
            return found
        time.sleep(_POLL_S)
    return None


@contextmanager
def agent_stopped(directory: str | Path, host: str) -> Iterator[None]:
    """Stop the agent of ``host`` with SIGSTOP until the block ends."""
    agent = _agent(directory, host)
    if agent:
        agent.send(signal.SIGSTOP)
    try:
        yield
    finally:
        if agent:
            agent.send(signal.SIGCONT)


def end_session_of(directory: str | Path, pid: int) -> int | None:
    """Kill the cluster's task that ``pid`` belongs to, its shim first; return the pid of the shim.

    Return ``None`` if the task has ended before; another process may have the pid by then.
    """
    is_ours = variable_of(pid, MARKER) == str(layout(directory).directory)
    leader = _process("shim", session_of(pid)) if is_ours else None
    if leader is None:
        return None
    session = [leader, *members(leader)]
    for each in session:
        each.send(signal.SIGKILL)
    wait_until_gone(session, GONE_S)
    return leader.pid


def becomes_free(pid: int) -> bool:
    """Return whether the parent reaps the process with ``pid``, so that the pid becomes free."""
    until = time.monotonic() + GONE_S
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


def folder_of(pid: int) -> Path | None:
    """Return the directory of the task that ``pid`` belongs to; ``None`` if it cannot be determined."""
    folder = variable_of(pid, MARK)
    return Path(folder) if folder else None


def damage(folder: Path, action: Action) -> bool:
    """Damage the record of the task in ``folder``; return whether a record existed."""
    path = folder / RECORD
    if not path.exists():
        return False
    if action is Action.REMOVE:
        for each in folder.glob(RECORDS):
            each.unlink()
        return True
    content = path.read_bytes()
    half, quarter = len(content) // 2, len(content) // 4
    garbled = content[:quarter] + b"\xff" * half + content[quarter + half :]
    path.write_bytes(content[:half] if action is Action.TRUNCATE else garbled)
    return True


def _process(name: str, pid: int | None) -> Process | None:
    started = start_time(pid) if pid else None
    return Process(name, pid, started) if pid and started else None
