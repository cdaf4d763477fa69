"""Record of the started cluster: one JSON file in the cluster's directory, replaced atomically."""

import json
import os
import re
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from salt_o2.cluster.paths import API, LINK_NAME, SOCKET_NAME, Layout
from salt_o2.cluster.processes import Process
from salt_o2.core.errors import O2Error

HEARTBEAT_S = 3.0
"""Few hosts may report more often than two thousand hosts, and are missed sooner."""


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that was started and not yet taken down."""

    slot: int
    minions: tuple[str, ...]
    workers: int
    run: Path
    """Directory of its sockets."""
    processes: tuple[Process, ...] = ()
    heartbeat_s: float = HEARTBEAT_S
    namespaces: bool = False
    """Whether each daemon has its own network namespace (namespaces.py)."""
    api: bool = False
    """Whether salt-api runs beside the master, with the HTTP interface."""

    @property
    def control_socket(self) -> Path:
        """Control's local socket, in the master's ``sock_dir``."""
        return self.run / "master" / SOCKET_NAME

    @property
    def sign_in_link(self) -> Path:
        """File with the one-time sign-in link of the HTTP interface; it exists until it is used."""
        return self.run / "master" / LINK_NAME

    @property
    def daemons(self) -> tuple[str, ...]:
        """Names of all daemons that the cluster has."""
        return ("master", *((API,) if self.api else ()), *self.minions)

    @property
    def dead(self) -> tuple[Process, ...]:
        """Daemons that have ended."""
        return tuple(process for process in self.processes if not process.alive)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of all daemons that do not run, including those that were never started."""
        alive = {process.name for process in self.processes if process.alive}
        return tuple(name for name in self.daemons if name not in alive)


def write(layout: Layout, record: Record) -> None:
    """Write ``record`` to disk atomically: after a crash, the old or the new record exists."""
    fresh = layout.record.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(asdict(record), default=str, indent=1) + "\n")
    fresh.replace(layout.record)


def read(layout: Layout) -> Record | None:
    """Return the record of the started cluster; ``None`` if no cluster was started.

    The record names processes to end and directories to remove. So it counts only if this account has written
    it.

    Raises:
        O2Error: if the file is not in our format, or another account has written it or may write it.
    """
    try:
        raw = json.loads(_own_text(layout.record))
        processes = tuple(Process(**process) for process in raw["processes"])
        return Record(
            raw["slot"],
            tuple(map(_minion, raw["minions"])),
            raw["workers"],
            _run_folder(raw["run"]),
            processes,
            raw.get("heartbeat_s", HEARTBEAT_S),
            raw.get("namespaces", False),
            raw.get("api", False),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise O2Error(
            f"{layout.record} is damaged ({error}): find its daemons with `ps`, then remove the file"
        ) from error


def is_own(layout: Layout) -> bool:
    """Return whether this account has written the record of a cluster there."""
    try:
        found = layout.record.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and _is_trusted(found)


def _own_text(path: Path) -> str:
    """Return the text of a file that only this account can have written.

    Raises:
        FileNotFoundError: there is no such file.
        O2Error: it is a link, or another account may have written it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise O2Error(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(handle) as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or not _is_trusted(found):
            raise O2Error(
                f"{path} can be written by another account (it belongs to uid {found.st_uid}): "
                "it is not used. Give a folder of your own with --dir"
            )
        return file.read()


def _is_trusted(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _minion(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"flp[1-9][0-9]{0,5}", name):
        raise ValueError(f"{name!r:.60} is no minion of a private cluster")
    return name


def _run_folder(text: Any) -> Path:
    path = Path(str(text))
    if not path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{text!r:.200} is no folder of sockets")
    return path
