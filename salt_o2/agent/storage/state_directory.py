"""The state directory of an agent.

<directory>/tasks/<task>/task.json   the record
                         status      how it ended, written by its shim
                         stdout  stderr
                         work/       the task's working directory
                         control/    the control socket of its device; only its account can enter
                         variables   sets its environment variables; only its account can read it
<directory>/orders/                  commands that not all task files show yet; see command_journal.py
<directory>/old/<task>/              the same files of the most recent finished tasks
<directory>/trash/                   files that the agent is removing
<directory>/ended                    finished tasks, with their last revision: a late order must not
                                     start one again
<directory>/key                      a secret that proves to control which directory this is
<directory>/last_run                 the highest run number that ever reached this host
"""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
from pathlib import Path

from salt_o2.agent.storage import task_record
from salt_o2.agent.storage.command_journal import CommandJournal
from salt_o2.agent.storage.last_run_number import LastRunNumber
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import TaskId
from salt_o2.linux import atomic_file
from salt_o2.linux.tree_removal import remove_tree

log = logging.getLogger(__name__)
KEPT_OLD = 20
KEPT_ENDED = 10_000


class StateDirectory:
    """The state directory of an agent."""

    def __init__(self, directory: Path) -> None:
        """Open the directory, creating it if necessary; no other user may read it."""
        self.directory = directory.absolute()
        self.tasks, self._old, self._ended_file, self._trash = (
            self.directory / name for name in ("tasks", "old", "ended", "trash")
        )
        for folder in (self.directory, self.tasks, self._old):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._trash.mkdir(mode=0o700, exist_ok=True)
        self.has_trash = asyncio.Event()
        """Set while files wait for removal, see :meth:`empty_trash`."""
        self._discarded = itertools.count()
        if any(self._trash.iterdir()):
            self.has_trash.set()
        self.key = _secret(self.directory / "key")
        """Proves to control which directory an agent has, see ``HostFacts.directory_key``."""
        self.orders = CommandJournal(self.directory / "orders")
        self.last_run = LastRunNumber(self.directory / "last_run")
        self.ended = self._read_ended()
        """Finished tasks, each with its highest revision."""

    def task_directory(self, task: TaskId) -> TaskDirectory:
        """Return the directory of ``task``, which may not exist."""
        return TaskDirectory(self.tasks / task, self._discard)

    def records(self) -> list[TaskRecord]:
        """Read all records; leave damaged ones in place and log them."""
        found = []
        for folder in sorted(self.tasks.iterdir()):
            known = task_record.load(folder / "task.json") if folder.is_dir() else None
            if known is not None and known.task == folder.name:
                found.append(known)
            else:
                log.warning("%s holds no task", folder)
        return found

    def archive(self, known: TaskRecord) -> None:
        """Archive a finished task: keep its output for a while, and never start it again."""
        self.remember_done(known.task, known.revision)
        current, archived = self.task_directory(known.task).folder, self._old / known.task
        try:
            self._discard(archived)
            current.rename(archived)
            self._discard(archived / "work")
            self._keep_newest()
        except FileNotFoundError:
            return
        except OSError as error:
            log.error("%s cannot be moved to %s: %s", current, archived, error)

    def remember_done(self, task: TaskId, revision: int) -> None:
        """Record that ``task`` is done with all orders up to ``revision``."""
        if self.ended.get(task, -1) >= revision:
            return
        self.ended[task] = revision
        try:
            with open(self._ended_file, "a", opener=atomic_file.privately) as file:
                file.write(f"{task} {revision}\n")
        except OSError as error:
            log.error(
                "%s cannot be written: %s; a late order could start task %s", self._ended_file, error, task
            )

    def finished_tasks(self, task: TaskId) -> TaskDirectory:
        """Return the directory of a finished ``task``, which may not exist."""
        return TaskDirectory(self._old / task)

    def empty_trash(self) -> None:
        """Remove files that are no longer needed.

        This may take long, because tasks may write any number of files.
        """
        self.has_trash.clear()
        for path in list(self._trash.iterdir()):
            remove_tree(path)

    def _discard(self, path: Path) -> None:
        """Move ``path``, if it exists, to the files that are removed later."""
        with contextlib.suppress(FileNotFoundError):
            path.rename(self._trash / f"{time.time_ns()}-{next(self._discarded)}")
            self.has_trash.set()

    def _keep_newest(self) -> None:
        archived = sorted(self._old.iterdir(), key=lambda folder: folder.stat().st_ctime)
        for path in archived[:-KEPT_OLD]:
            self._discard(path)

    def _read_ended(self) -> dict[TaskId, int]:
        """Read the file, last line of a task first, and shorten it if it has grown long."""
        if not self._ended_file.exists():
            return {}
        lines = self._ended_file.read_text(errors="replace").splitlines()
        words = [line.split() for line in lines[-KEPT_ENDED:]]
        ended = {TaskId(line[0]): int(line[1]) for line in words if len(line) == 2 and line[1].isdigit()}
        if len(lines) > 2 * KEPT_ENDED:
            shorter = self._ended_file.with_suffix(".new")
            text = "".join(f"{task} {revision}\n" for task, revision in ended.items())
            atomic_file.write_privately(shorter, text.encode())
            shorter.replace(self._ended_file)
        return ended


def _secret(path: Path) -> str:
    """Return the secret in ``path``, which only this account can read; generate it at the first start."""
    try:
        if known := path.read_text().strip():
            return known
    except (OSError, UnicodeDecodeError):
        # The file is missing or damaged. From now on a new secret proves the identity of the directory.
        pass
    drawn = secrets.token_hex(16)
    atomic_file.put(path, drawn.encode())
    return drawn
