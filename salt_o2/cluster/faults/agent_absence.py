"""The time during which no agent runs on a host, and what may happen then to tasks and their records."""

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
"""The variable that tells the folder of a task, in all of its processes (agent/process/orphan_audit.py)."""
AGENT_IS_THERE_S = 10.0
"""How long an agent that another fault has just killed may take to be there again."""
GONE_S = 5.0
"""How long the kernel may take to end a killed process, and its parent to collect it."""
_POLL_S = 0.02
RECORDS = "task.*"
"""All files of a task's record, in the task's folder."""
RECORD = "task.json"


@contextmanager
def without_agent(directory: str | Path, host: str) -> Iterator[None]:
    """Kill the agent of ``host``, and keep its supervisor from starting another until the block ends.

    Nothing has to be done if the minion itself does not run.
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
    """Return the agent of ``host``, after a moment if it is being started; ``None`` if its minion is dead."""
    until = time.monotonic() + AGENT_IS_THERE_S
    while (leader := daemon(directory, host)) and leader.alive and time.monotonic() < until:
        if found := _process("agent", agent_pid(directory, host)):
            return found
        time.sleep(_POLL_S)
    return None


@contextmanager
def agent_stopped(directory: str | Path, host: str) -> Iterator[None]:
    """Stop the agent of ``host`` until the block ends: it notices nothing of what happens meanwhile."""
    agent = _agent(directory, host)
    if agent:
        agent.send(signal.SIGSTOP)
    try:
        yield
    finally:
        if agent:
            agent.send(signal.SIGCONT)


def end_session_of(directory: str | Path, pid: int) -> int | None:
    """Kill the task of the cluster that ``pid`` belongs to, its shim first; return the pid of the shim.

    ``None`` if the task has ended before: then the pid may be that of another process.
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
    """Return whether a pid becomes free: when the parent of the process that had it has collected it."""
    until = time.monotonic() + GONE_S
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_S)
    return True


def folder_of(pid: int) -> Path | None:
    """Return the folder of the task that ``pid`` belongs to; ``None`` if that cannot be told."""
    told = variable_of(pid, MARK)
    return Path(told) if told else None


def damage(folder: Path, action: Action) -> bool:
    """Damage the record of the task in ``folder``; return whether there was one."""
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
