"""Up, status, down: the life of a private Salt cluster."""

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
from salt_o2.cluster.config import write_configs
from salt_o2.cluster.daemons import end_daemons
from salt_o2.cluster.keys import prepare_keys
from salt_o2.cluster.layout import MARKER, Layout, layout, minion_names
from salt_o2.cluster.process import Process
from salt_o2.cluster.ready import known_hosts, wait_until_ready
from salt_o2.cluster.record import Record
from salt_o2.cluster.slots import claimed
from salt_o2.control.client import ControlClient
from salt_o2.core.errors import InvalidRequest, O2Error, Unreachable

Say = Callable[[str], None]

START_TIMEOUT_S = 90.0
PATIENCE_S = 8.0
"""How long a daemon may take to end by itself."""
DESTROY_TIMEOUT_S = 30.0
LONGEST_RUN_PARENT = 50
"""107 bytes less ``/o2-12345678/flp1000/minion_event_1234567890_pull.ipc`` and some to spare."""


def quiet(_message: str) -> None:
    """Say nothing."""


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
        say(f"the cluster in {place.directory} has lost {_names(before.dead)}: starting it again")
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


def status(directory: str | Path) -> dict[str, Any]:
    """Return what runs in ``directory``: config_dir, minions, pids, control_socket, and whether it is ready.

    Raises:
        O2Error: if no cluster was started there.
    """
    place = layout(directory)
    current = record.read(place)
    if current is None:
        raise O2Error(
            f"there is no cluster in {place.directory}: `coconut cluster up --dir {directory}` starts one"
        )
    known = known_hosts(current.control_socket)
    return {
        "directory": str(place.directory),
        "config_dir": str(place.conf),
        "minions": list(current.minions),
        "known": sorted(known & set(current.minions)),
        "pids": {one.name: one.pid for one in current.processes if one.alive},
        "dead": [one.name for one in current.dead],
        "control_socket": str(current.control_socket),
        "ready": not current.dead and known >= set(current.minions),
    }


def is_up(directory: str | Path) -> bool:
    """Whether a cluster was started in ``directory`` and all its daemons run."""
    current = record.read(layout(directory))
    return bool(current and current.processes and not current.dead)


def down(directory: str | Path, keep: bool = False, say: Say = quiet) -> dict[str, Any]:
    """End everything that the cluster in ``directory`` started, and remove the directory unless ``keep``.

    Environments are destroyed first, then the daemons end, then whatever still carries the cluster's marker
    is ended too and returned as ``leftovers``: nothing should be there.

    Raises:
        O2Error: if something could not be ended.
    """
    place = layout(directory)
    current = record.read(place)
    if current and not current.dead:
        _destroy_environments(current, say)
    if current:
        end_daemons(current.processes, PATIENCE_S)
    leftovers = _end_leftovers(place, say)
    if current:
        shutil.rmtree(current.run, ignore_errors=True)
    if current:
        _remove(place, current, keep)
    say(f"the cluster in {place.directory} is down")
    return {"directory": str(place.directory), "was_up": bool(current), "leftovers": leftovers}


def _destroy_environments(current: Record, say: Say) -> None:
    try:
        with ControlClient(current.control_socket) as control:
            for environment in control.request("env_list", {"all": False}, timeout_s=5):
                say(f"destroying environment {environment['id']}")
                arguments = {"id": environment["id"], "allow_in_running_state": True, "force": True}
                control.request("env_destroy", arguments, timeout_s=DESTROY_TIMEOUT_S)
    except Unreachable as error:
        say(f"environments are not destroyed one by one: {error}")
    except O2Error as error:
        say(f"an environment could not be destroyed: {error}")


def _end_leftovers(place: Layout, say: Say) -> list[str]:
    """End tasks and children that outlived their daemons."""
    left = process.marked(place.directory)
    if not left:
        return []
    say(f"ending {len(left)} processes that were left: {_names(left)}")
    process.end(left, PATIENCE_S / 4)
    if still := process.marked(place.directory):
        raise O2Error(f"could not end {', '.join(f'{one.name} (pid {one.pid})' for one in still)}")
    return [one.name for one in left]


def _remove(place: Layout, current: Record, keep: bool) -> None:
    """Remove what we made; the directory itself only if nothing else is in it."""
    if not keep:
        for ours in (place.conf, place.logs, place.srv, *map(place.home, ("master", *current.minions))):
            shutil.rmtree(ours, ignore_errors=True)
    place.record.unlink(missing_ok=True)
    with suppress(OSError):
        place.directory.rmdir()


def _names(processes: tuple[Process, ...] | list[Process]) -> str:
    return ", ".join(one.name for one in processes)
