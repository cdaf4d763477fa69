"""Audit of orphaned resources on this host: processes with their ports, sockets, shared memory.

The audit reads marks and the file system and does not ask the agent. So it also works where no agent runs;
there every process of a task counts as orphaned.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from salt_o2.agent.launch import accounts
from salt_o2.agent.process import leftovers
from salt_o2.agent.storage.task_directory import MARK, shim_of
from salt_o2.linux import procfs


def audit(directory: Path, task_users: tuple[str, ...] = accounts.DEFAULT) -> dict[str, Any]:
    """Return the orphaned resources of the agent that uses, or used, ``directory``.

    A process counts if it is a shim or its account is one of tasks: any user can write the mark of a task
    into the environment of a process of its own, and a shell of an administrator may have inherited it. Other
    processes with a mark are listed as ``strangers``, and are no fault.
    """
    attended = has_agent(directory)
    records = list(_records(directory / "tasks"))
    alive = {known.get("task") for known in records if _is_alive(known)} if attended else set()
    uids = accounts.uids(task_users)
    marked = list(_marked(directory))
    own = {pid for pid, _ in marked if procfs.uid_of(pid) in uids or _is_shim(pid)}
    found = {
        "processes": [_process_row(pid, task) for pid, task in marked if pid in own and task not in alive],
        "sockets": sorted({str(path) for path in _dead_sockets(directory)}),
        "segments": [str(path) for path in leftovers.unused_segments()],
    }
    clean = not any(found.values())
    strangers = [_process_row(pid, task) for pid, task in marked if pid not in own]
    return {"clean": clean, "agent": attended, "tasks": len(alive), **found, "strangers": strangers}


def has_agent(directory: Path) -> bool:
    """Return whether an agent uses ``directory``, which it locks."""
    try:
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _records(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Return the contents of the task files of ``folder``; the agent handles damaged files."""
    for path in sorted(folder.glob("*/task.*")):
        if path.suffix not in (".json", ".new"):
            continue
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(known, dict):
            yield known


def _is_shim(pid: int) -> bool:
    return procfs.uid_of(pid) == os.geteuid() and shim_of(procfs.command_line(pid)) != ""


def _marked(directory: Path) -> Iterator[tuple[int, str]]:
    """Return running processes that carry tasks of ``directory``, with the tasks' names."""
    sign = f"{MARK}={directory.absolute()}/tasks/".encode()
    for pid in procfs.pids():
        for entry in procfs.environ(pid):
            if entry.startswith(sign) and procfs.start_ticks(pid) is not None:
                yield pid, entry.removeprefix(sign).decode(errors="replace")


def _process_row(pid: int, task: str) -> dict[str, Any]:
    command = b" ".join(procfs.command_line(pid)).decode(errors="replace").strip()
    return {"pid": pid, "task": task, "command": command[:200], "ports": procfs.ports_of(pid)}


def _is_alive(known: Mapping[str, Any]) -> bool:
    """Return whether the process that a task file names still runs, by pid and start time."""
    pid, started = known.get("shim"), known.get("shim_started")
    return isinstance(pid, int) and isinstance(started, int) and procfs.is_alive(pid, started)


def _dead_sockets(directory: Path) -> Iterator[Path]:
    for folder in ("tasks", "old"):
        for known in _records(directory / folder):
            yield from leftovers.dead_sockets(known.get("configured") or known.get("properties") or {})
