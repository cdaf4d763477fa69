"""Commands on disk until every task of theirs is: one file per command, not one per task.

<directory>/orders/<environment>@<revision>.json   a command as it came

A command for two hundred tasks would otherwise write two hundred files before the first of them moves
(docs/decisions/0031-one-file-per-command.md). A task's own file follows when there is time; with the last of
them the command goes. An agent that was killed in between takes the orders from the commands that are left
for those tasks whose files are older.
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
        """Write ``command`` to ``path``, whole or not at all.

        Raises:
            OSError: there is no room, or no right to write.
        """
        self._path = path
        self._waiting = {order.task for order in command.orders}
        atomic_file.put(path, msgspec.json.encode(command))

    def shown(self, task: TaskId) -> None:
        """The file of ``task`` has this command or a later one, or the task needs none."""
        self._waiting.discard(task)
        if not self._waiting:
            self._path.unlink(missing_ok=True)


class CommandJournal:
    """The folder of the commands that an agent has taken."""

    def __init__(self, folder: Path) -> None:
        """Open ``folder``, making it if need be, for nobody else to look into."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, command: Command) -> PersistedCommand:
        """Write ``command`` down before anybody acts on it.

        Raises:
            OSError: there is no room, or no right to write.
        """
        path = self._folder / f"{command.environment}@{command.revision}.json"
        try:
            return PersistedCommand(command, path)
        except FileNotFoundError:  # somebody took the folder away
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return PersistedCommand(command, path)

    def left(self) -> list[Command]:
        """Return the commands that an earlier agent left, oldest first; unreadable ones go, with a word."""
        found = [command for path in self._folder.glob("*.json") if (command := _read(path))]
        return sorted(found, key=lambda command: command.revision)

    def clear(self) -> None:
        """Forget all commands: the files of all tasks show them now."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)


def catch_up(
    records: Iterable[TaskRecord], commands: Iterable[Command], ended: dict[TaskId, int]
) -> dict[TaskId, TaskRecord]:
    """Return the ``records`` by task, under the newest order that they or ``commands`` tell of.

    A task may have been configured on the way there. It counts as configured with what the first of several
    orders wanted: if the newest wants something else, it may have come too late. ``ended`` has the tasks that
    are done, with their last revision.
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
