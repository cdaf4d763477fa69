"""The directory of one task."""

import errno
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from salt_o2.agent.storage import output_files, task_record
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.plan.launch import Launch
from salt_o2.linux.tree_removal import remove_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFiles:
    """The paths where a shim works and writes."""

    marker: str
    """The argument that identifies the shim on the command lines of /proc."""
    work: Path
    status: Path
    stdout: Path
    stderr: Path
    variables: Path
    """Shell text that sets the task's variables; the task's account can read it."""


class TaskDirectory:
    """The directory of one task."""

    def __init__(self, folder: Path, discard: Callable[[Path], None] | None = None) -> None:
        """Store the path; no directory is created yet.

        ``discard`` moves a directory away at once, to be removed later, whatever is in it.
        """
        self.folder = folder
        self._discard = discard
        self._supposed: dict[str, str] | None = None
        """The task's configuration, as far as its file and the commands stored beside it show."""
        self._pid: int | None = None
        """The task's pid, as far as its file shows."""

    @cached_property
    def files(self) -> TaskFiles:
        """Return the paths that the task's shim needs."""
        return TaskFiles(
            marker=f"{SHIM}{self.folder}",
            work=self.folder / "work",
            status=self.folder / "status",
            stdout=self.folder / "stdout",
            stderr=self.folder / "stderr",
            variables=self.folder / "variables",
        )

    def save(self, known: TaskRecord) -> None:
        """Save ``known``; see :func:`task_record.save`."""
        try:
            task_record.save(known, self.folder / "task.json")
        # The directory does not exist yet, or another program has removed it.
        except FileNotFoundError:
            self._make()
            task_record.save(known, self.folder / "task.json")
        self.record_shim(known)

    def record_shim(self, known: TaskRecord) -> None:
        """Record that the task's file shows ``known`` now."""
        self._supposed, self._pid = known.assumed_configuration(), known.pid

    def record_order(self, known: TaskRecord) -> None:
        """Record that a file of its command stores the present order of ``known``."""
        if self._supposed is None:
            self._supposed = known.assumed_configuration()

    def record_configuration(self, known: TaskRecord) -> None:
        """Save the configuration that the task is about to get, unless the files show it and its pid."""
        if (self._supposed, self._pid) != (known.configured, known.pid):
            self.save(known)

    def prepare(self, owner: tuple[int, int] | None) -> None:
        """Create the working directory; ``owner`` is the uid and gid of a task that runs as another user."""
        work = self.files.work
        self._make()
        work.mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(work, *owner)

    def control_socket(self, launch: Launch) -> Path | None:
        """Return where a process of ``launch`` may make the Unix socket of its control channel."""
        if launch.control_port is None:
            return None
        return self.folder / SOCKETS / str(launch.control_port)

    def prepare_control_socket(self, launch: Launch, owner: tuple[int, int] | None) -> Path | None:
        """Create an empty directory for the socket of ``launch``; only ``owner`` may use it.

        Raises:
            OSError: the socket of an earlier process cannot be removed.
        """
        path = self.control_socket(launch)
        if path is None:
            return None
        folder = path.parent
        self._clear(folder)
        folder.mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder, *owner)
        return path

    def _clear(self, folder: Path) -> None:
        """Remove the directory of a control socket, in which an account may have put anything."""
        try:
            with os.scandir(folder) as entries:
                found = list(islice(entries, 2))
            if len(found) <= 1 and not any(each.is_dir(follow_symlinks=False) for each in found):
                for each in found:
                    Path(each.path).unlink()
                folder.rmdir()
            # The agent waits neither for many files nor for a process that removes them.
            elif self._discard is not None:
                self._discard(folder)
            elif not remove_tree(folder):
                raise OSError(errno.EBUSY, "it cannot be removed", str(folder))
        except FileNotFoundError:
            return

    def save_variables(self, text: bytes, owner: tuple[int, int] | None) -> None:
        """Write the shell text that sets the task's variables; only the task's account may read it."""
        path = self.files.variables
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            if owner is not None:
                os.fchown(handle, *owner)

    def output_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the task's output."""
        return output_files.output_tail(self.files.stdout, self.files.stderr, lines)

    def trim(self, launch: Launch | None) -> None:
        """Keep the output of a process started by ``launch`` within its bounds."""
        stdout, stderr = (launch.stdout, launch.stderr) if launch else ("all", "all")
        output_files.trim(self.files.stdout, output_files.bound_of(stdout))
        output_files.trim(self.files.stderr, output_files.bound_of(stderr))

    def _make(self) -> None:
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)


def shim_of(command_line: Sequence[bytes]) -> str:
    """Return the task directory of the shim with this command line; empty if it is no shim."""
    prefix = SHIM.encode()
    found = (os.fsdecode(word[len(prefix) :]) for word in command_line if word.startswith(prefix))
    return next(found, "")


SHIM = "o2-shim:"
"""Beginning of the argument that identifies a shim, before the task's directory."""
SOCKETS = "control"
"""Name of the directory below a task's own that has the Unix socket of its device, named after its port."""
MARK = "O2_TASK_HOME"
"""Environment variable that every process of a task carries: the task's directory below the agent's."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}")
"""Pattern of task and environment IDs: they are names of directories."""
