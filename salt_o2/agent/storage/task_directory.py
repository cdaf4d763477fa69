"""The directory of one task."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from salt_o2.agent.storage import output_files, task_record
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.plan.launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFiles:
    """Where a keeper works and writes."""

    marker: str
    """What finds the keeper again on the command lines of /proc."""
    work: Path
    status: Path
    stdout: Path
    stderr: Path
    variables: Path
    """Shell text that sets the task's variables; its account can read it."""


class TaskDirectory:
    """The folder of one task."""

    def __init__(self, folder: Path) -> None:
        """Name it; nothing is made yet."""
        self.folder = folder
        self._supposed: dict[str, str] | None = None
        """What the task is configured with, as far as its file and the commands kept beside it tell."""
        self._pid: int | None = None
        """Its pid, as far as its file tells."""

    @cached_property
    def files(self) -> TaskFiles:
        """Return what its keeper must know."""
        return TaskFiles(
            marker=f"o2-keeper:{self.folder}",
            work=self.folder / "work",
            status=self.folder / "status",
            stdout=self.folder / "stdout",
            stderr=self.folder / "stderr",
            variables=self.folder / "variables",
        )

    def save(self, known: TaskRecord) -> None:
        """Keep ``known``; see :func:`record.save`."""
        try:
            task_record.save(known, self.folder / "task.json")
        except FileNotFoundError:  # nothing was there yet, or somebody took it away
            self._make()
            task_record.save(known, self.folder / "task.json")
        self.record_shim(known)

    def record_shim(self, known: TaskRecord) -> None:
        """The task's file tells of ``known`` now."""
        self._supposed, self._pid = known.assumed_configuration(), known.pid

    def record_order(self, known: TaskRecord) -> None:
        """The order that ``known`` is under now is kept in a file of its command."""
        if self._supposed is None:
            self._supposed = known.assumed_configuration()

    def record_configuration(self, known: TaskRecord) -> None:
        """Keep what the task is about to be configured with, unless the files tell that and its pid."""
        if (self._supposed, self._pid) != (known.configured, known.pid):
            self.save(known)

    def prepare(self, owner: tuple[int, int] | None) -> None:
        """Make the working directory; ``owner`` is the uid and gid of a task that runs as another user."""
        work = self.files.work
        self._make()
        work.mkdir(mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(work, *owner)

    def save_variables(self, text: bytes, owner: tuple[int, int] | None) -> None:
        """Write the shell text that sets the task's variables, for the task's account alone to read."""
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


MARK = "O2_TASK_HOME"
"""Environment variable that every process of a task carries: the task's folder in the agent's directory."""
