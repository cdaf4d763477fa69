"""Stops processes of this agent without a task: their task files were damaged or removed.

Such a process carries the directory of a task below this agent's directory in its environment, or is in that
task's control group. It may hold ports, memory and devices that the next task needs.
"""

import asyncio
import logging
from pathlib import Path

from salt_o2.agent.process import task_process
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.member_processes import in_words
from salt_o2.agent.storage.task_directory import NAME, TaskDirectory
from salt_o2.core.plan.launch import GRACE_S
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)


async def end_all(host: HostResources) -> bool:
    """Stop the processes of all tasks that ``host`` does not have; return whether any were found."""
    homes = await _unowned(host)
    ended = await asyncio.gather(*(_end(TaskDirectory(home), host) for home in homes))
    return any(ended)


async def end_of(home: TaskDirectory, host: HostResources) -> tuple[Entry, ...]:
    """Stop the processes of a task that has no record here; return those that do not end."""
    return (await task_process.stop_leaderless_members(home, host, GRACE_S)).remaining


async def _unowned(host: HostResources) -> list[Path]:
    if host.tasks is None:
        return []
    look = await host.process_scan.scan()
    above = str(host.tasks)
    marked = {Path(home) for home in look.homes(above) if NAME.fullmatch(home.removeprefix(f"{above}/"))}
    known = set(host.tasks.iterdir()) if host.tasks.is_dir() else set()
    grouped = {home for home in known if task_process.group_of(home, host) is not None}
    return sorted((marked | grouped) - host.task_directories)


async def _end(home: TaskDirectory, host: HostResources) -> bool:
    survivors = await task_process.stop_leaderless_members(home, host, GRACE_S)
    if survivors.remaining:
        log.error(
            "processes of task %s, which has no record here, do not end: %s; they may hold its ports",
            home.folder.name,
            in_words(survivors.remaining, host.kernel),
        )
    elif survivors.found:
        log.warning("ended %d processes of task %s without a record", survivors.found, home.folder.name)
    return survivors.found > len(survivors.remaining)
