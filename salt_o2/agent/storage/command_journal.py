"""Commands on disk until all their tasks are on disk: one file per command, not one per task.

<directory>/orders/<environment>@<revision>.json   a command as received

Otherwise a command for two hundred tasks would write two hundred files before the first task moves
(docs/decisions/0031-one-file-per-command.md). A task's own file follows later. When all of them are written,
the command is removed. After an agent was killed in between, the next agent takes the orders of tasks with
older files from the remaining commands.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec

from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Command
from salt_o2.core.states import TaskState
from salt_o2.linux import atomic_file

log = logging.getLogger(__name__)


class PersistedCommand:
    """One command on disk, and the tasks whose own files do not show it yet."""

    def __init__(self, command: Command, path: Path) -> None:
        """Write ``command`` to ``path``, completely or not at all.

        Raises:
            OSError: the disk has no room, or the agent may not write.
        """
        self._path = path
        self._waiting = {order.task for order in command.orders}
        atomic_file.put(path, msgspec.json.encode(command))

    def shown(self, task: TaskId) -> None:
        """Record that the file of ``task`` has this command or a later one, or that the task needs none."""
        self._waiting.discard(task)
        if not self._waiting:
            self._path.unlink(missing_ok=True)


class CommandJournal:
    """The directory of the commands that an agent has accepted."""

    def __init__(self, folder: Path) -> None:
        """Open ``folder``, creating it if necessary; no other user may read it."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, command: Command) -> PersistedCommand:
        """Write ``command`` to disk before the agent acts on it.

        Raises:
            OSError: the disk has no room, or the agent may not write.
        """
        path = self._folder / f"{command.environment}@{command.revision}.json"
        try:
            return PersistedCommand(command, path)
        # Another program has removed the directory.
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return PersistedCommand(command, path)

    def remaining(self) -> list[Command]:
        """Return the commands that an earlier agent left, oldest first; remove and log unreadable ones."""
        found = [command for path in self._folder.glob("*.json") if (command := _read(path))]
        return sorted(found, key=lambda command: command.revision)

    def clear(self) -> None:
        """Remove all commands: the files of all tasks show them now."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)


def catch_up(
    records: Iterable[TaskRecord], commands: Iterable[Command], ended: dict[TaskId, int]
) -> dict[TaskId, TaskRecord]:
    """Return the ``records`` by task, each under the newest order in the records or ``commands``.

    A task may have been configured on the way there. It counts as configured with the arguments of the first
    of several orders: if the newest order has other arguments, it may have arrived too late. ``ended`` has
    the finished tasks with their last revision.
    """
    by_task = {known.task: known for known in records}
    for each in by_task.values():
        each.configured = each.assumed_configuration()
    for command in commands:
        for order in command.orders:
            known = by_task.get(order.task)
            if known is None and _begins(command, order.launch is not None, ended.get(order.task, -1)):
                known = by_task[order.task] = TaskRecord(task=order.task, environment=command.environment)
            if known is not None and command.revision > known.revision:
                known.apply_order(command, order)
                known.configured = known.assumed_configuration()
    return by_task


def _begins(command: Command, has_launch: bool, ended: int) -> bool:
    return has_launch and command.goal is not TaskState.DONE and command.revision > ended


def _read(path: Path) -> Command | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Command)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        log.error("command %s cannot be read (%s); control will send it again", path, error)
        return None
