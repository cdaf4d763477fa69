"""The beginning of a private cluster: all daemons at once, and then the wait until it is of use."""

import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from salt_o2.cluster import process, record
from salt_o2.cluster.bytecode import compile_salt
from salt_o2.cluster.condition import is_up, status
from salt_o2.cluster.config import write_configs
from salt_o2.cluster.daemons import end_daemons
from salt_o2.cluster.keys import prepare_keys
from salt_o2.cluster.layout import MARKER, Layout, layout, minion_names
from salt_o2.cluster.process import names_of
from salt_o2.cluster.ready import wait_until_ready
from salt_o2.cluster.record import Record
from salt_o2.cluster.slots import claimed
from salt_o2.cluster.teardown import PATIENCE_S, down, quiet
from salt_o2.core.errors import InvalidRequest, O2Error

Say = Callable[[str], None]

START_TIMEOUT_S = 90.0
LONGEST_RUN_PARENT = 50
"""107 bytes less ``/o2-12345678/flp1000/minion_event_1234567890_pull.ipc`` and some to spare."""


def up(
    directory: str | Path,
    minions: int = 3,
    workers: int = 3,
    say: Say = quiet,
    timeout_s: float = START_TIMEOUT_S,
) -> dict[str, Any]:
    """Ensure that a cluster runs in ``directory`` and return its status; a dead one is started again.

    Raises:
        O2Error: if a daemon dies or is not ready in time; then nothing is left running.
    """
    if minions < 1 or workers < 1:
        raise InvalidRequest(
            f"a cluster needs at least one minion and one worker, not {minions} and {workers}"
        )
    place = layout(directory)
    before = record.read(place)
    if is_up(directory):
        say(f"the cluster in {place.directory} is up already")
        return status(directory)
    if before:
        say(f"the cluster in {place.directory} has lost {names_of(before.dead)}: starting it again")
        end_daemons(before.processes, PATIENCE_S)
    _start(place, before, minion_names(minions), workers, say, timeout_s)
    return status(directory)


def _start(
    place: Layout, before: Record | None, minions: tuple[str, ...], workers: int, say: Say, timeout_s: float
) -> None:
    begin = time.monotonic()
    with claimed(before.slot if before else None) as slot:
        current = Record(slot.number, minions, workers, _run_folder(before))
        place.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        record.write(place, current)
        try:
            write_configs(place, current)
            prepare_keys(place, minions)
            compile_salt(say)
            current = _spawn_all(place, current, say)
            wait_until_ready(place, current, timeout_s, say)
        except BaseException as error:
            say("taking the cluster down again")
            down(place.directory, keep=bool(before) or isinstance(error, Exception))
            raise
    say(f"the cluster is up after {time.monotonic() - begin:.1f} s")


def _run_folder(before: Record | None) -> Path:
    """Return the folder for sockets: that of before, or a new one where paths are short enough."""
    if before and before.run.is_dir():
        return before.run
    candidates = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")
    parent = next(path for path in candidates if path and len(path) <= LONGEST_RUN_PARENT)
    return Path(tempfile.mkdtemp(prefix="o2-", dir=parent))


def _spawn_all(place: Layout, current: Record, say: Say) -> Record:
    """Start every daemon at once, and note each before the next: a crash of ours must not lose one."""
    environment = _environment(place)
    for name in ("master", *current.minions):
        (current.run / name).mkdir(exist_ok=True, mode=0o700)
        place.pidfile(name).unlink(missing_ok=True)  # its pid may be another's by now, and Salt would give up
        with suppress(FileNotFoundError):
            place.log(name).replace(place.old_log(name))
        daemon = process.spawn(name, _command(place, name), environment, place.output(name))
        current = replace(current, processes=(*current.processes, daemon))
        record.write(place, current)
    say(f"started a master and {len(current.minions)} minions in {place.directory}")
    return current


def _environment(place: Layout) -> dict[str, str]:
    """Return our environment with the cluster's marker.

    Python may write bytecode, or Salt is slow. SPT_NOENV keeps setproctitle, which Salt uses, from writing
    its titles over the environment, where the marker is.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return {**kept, MARKER: str(place.directory), "SPT_NOENV": "1"}


_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "SALT_CONFIG_DIR", "SALT_MASTER_CONFIG", "SALT_MINION_CONFIG")


def _command(place: Layout, name: str) -> list[str]:
    kind = "salt-master" if name == "master" else "salt-minion"
    program = shutil.which(kind, path=sysconfig.get_path("scripts")) or shutil.which(kind)
    if program is None:
        raise O2Error(f"there is no {kind}: install Salt into the environment of {sys.executable}")
    command = [sys.executable, program, "-c", str(place.config_dir(name))]
    return command if name == "master" else [*command, "--disable-keepalive"]
