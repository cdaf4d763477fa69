"""Start a private cluster: all daemons at once, then wait until it is ready."""

import os
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from salt_o2.cluster import processes, state_file
from salt_o2.cluster.lifecycle import host_boot
from salt_o2.cluster.lifecycle.bytecode import compile_salt
from salt_o2.cluster.lifecycle.daemons import end_daemons
from salt_o2.cluster.lifecycle.keys import prepare_keys
from salt_o2.cluster.lifecycle.readiness import wait_until_ready
from salt_o2.cluster.lifecycle.salt_config import write_configs
from salt_o2.cluster.lifecycle.status import is_up, status
from salt_o2.cluster.lifecycle.stop import PATIENCE_S, down, quiet
from salt_o2.cluster.namespaces import Network, require_namespaces
from salt_o2.cluster.network_links import heal_all
from salt_o2.cluster.paths import API, MARKER, Layout, layout, minion_names
from salt_o2.cluster.port_slots import claimed
from salt_o2.cluster.processes import names_of
from salt_o2.cluster.state_file import HEARTBEAT_S, Record
from salt_o2.core.errors import InvalidRequestError, O2Error

Say = Callable[[str], None]

START_TIMEOUT_S = 180.0
"""Generous: eight times the start on an idle machine. A daemon that dies is reported at once."""
MINIONS, WORKERS = 3, 2
"""Defaults of a new cluster.

Each worker takes a second of processor time to start. A single worker would deadlock if the request
that it handles asked the master for something.
"""
LONGEST_RUN_PARENT = 50
"""107 bytes less ``/o2-12345678/flp1000/minion_event_1234567890_pull.ipc``, with some reserve."""


def up(
    directory: str | Path,
    minions: int | None = None,
    workers: int | None = None,
    say: Say = quiet,
    timeout_s: float = START_TIMEOUT_S,
    heartbeat_s: float | None = None,
    namespaces: bool = False,
    api: bool = False,
) -> dict[str, Any]:
    """Ensure that a cluster runs in ``directory`` and return its status.

    A new cluster has three minions and two workers by default. In an existing cluster only the missing
    daemons are started; other daemons and all tasks are not affected. With ``namespaces`` each daemon of a
    new cluster has its own network namespace (cluster/namespaces.py). Cut links are restored. With ``api`` a
    new cluster has the HTTP interface on loopback; the status shows its address and a one-time sign-in link.

    Raises:
        UnreachableError: if namespaces are requested and not available; with the reason.
        O2Error: if a daemon dies or is not ready in time; then no daemon is left running.
    """
    if min(minions or 1, workers or 1) < 1 or 0 in (minions, workers):
        raise InvalidRequestError(
            f"a cluster needs at least one minion and one worker, not {minions} and {workers}"
        )
    place = layout(directory)
    before = state_file.read(place)
    if namespaces and not before:
        require_namespaces()
    if namespaces and before and not before.namespaces:
        raise InvalidRequestError(
            f"the cluster in {place.directory} has no namespaces: run `coconut cluster down` first"
        )
    if before and is_up(directory):
        _connect(place, before)
        say(f"the cluster in {place.directory} is up already")
        return status(directory)
    begin = time.monotonic()
    if before:
        say(f"the cluster in {place.directory} lacks {', '.join(before.missing)}: starting again")
        _revive(place, _as_asked(before, minions, workers), say, timeout_s)
    else:
        names, beat_s = minion_names(minions or MINIONS), heartbeat_s or HEARTBEAT_S
        wanted = Record(
            0, names, workers or WORKERS, Path(), heartbeat_s=beat_s, namespaces=namespaces, api=api
        )
        _start(place, wanted, say, timeout_s)
    say(f"the cluster is up after {time.monotonic() - begin:.1f} s")
    return status(directory)


def _start(place: Layout, wanted: Record, say: Say, timeout_s: float) -> None:
    with claimed() as slot:
        current = replace(wanted, slot=slot.number, run=_run_folder(None))
        place.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        state_file.write(place, current)
        try:
            _bring_up(place, current, say, timeout_s)
        except BaseException as error:
            say("stopping the cluster again")
            down(place.directory, keep=isinstance(error, Exception))
            raise


def _as_asked(before: Record, minions: int | None, workers: int | None) -> Record:
    names = minion_names(minions) if minions else before.minions
    return replace(before, minions=names, workers=workers or before.workers)


def _revive(place: Layout, lost: Record, say: Say, timeout_s: float) -> None:
    """Start the missing daemons. If that fails, end all daemons but keep tasks and directories.

    While the master runs, it holds the slot by its ports.
    """
    wanted = lost.daemons
    alive = tuple(one for one in lost.processes if one.alive and one.name in wanted)
    end_daemons([one for one in lost.processes if one not in alive], PATIENCE_S)
    current = replace(lost, processes=alive, run=_run_folder(lost))
    try:
        with ExitStack() as reservations:
            if "master" not in {one.name for one in alive}:
                slot = reservations.enter_context(claimed(lost.slot))
                if slot.number != lost.slot and alive:
                    say(f"another program has its ports now: {names_of(alive)} are restarted, too")
                    # Minions would look for their master at its old ports for ever.
                    end_daemons(alive, PATIENCE_S)
                    current = replace(current, processes=())
                current = replace(current, slot=slot.number)
            _bring_up(place, current, say, timeout_s)
    except BaseException:
        say("stopping its daemons again; tasks continue")
        started = state_file.read(place)
        end_daemons(started.processes if started else (), PATIENCE_S)
        raise


def _bring_up(place: Layout, current: Record, say: Say, timeout_s: float) -> None:
    _connect(place, current)
    write_configs(place, current)
    prepare_keys(place, current.minions)
    compile_salt(say)
    wait_until_ready(place, _spawn_missing(place, current, say), timeout_s, say)


def _connect(place: Layout, current: Record) -> None:
    """Restore all links, if the cluster has links."""
    if current.namespaces:
        Network(place.directory).build(current.minions)
        heal_all(place.directory, current)


def _run_folder(before: Record | None) -> Path:
    """Return the directory for sockets: the previous one, or a new one where paths are short enough."""
    if before and before.run.is_dir():
        return before.run
    candidates = (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp")
    parent = next(path for path in candidates if path and len(path) <= LONGEST_RUN_PARENT)
    return Path(tempfile.mkdtemp(prefix="o2-", dir=parent))


def _spawn_missing(place: Layout, current: Record, say: Say) -> Record:
    """Start all missing daemons; record each before the next, so that our crash loses none."""
    own = environment(place)
    running = {process.name for process in current.processes}
    missing = [name for name in current.daemons if name not in running]
    for name in missing:
        (current.run / name).mkdir(exist_ok=True, mode=0o700)
        for claim in place.claims(name):  # another process may have its pid by now, and Salt would exit
            claim.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            place.log(name).replace(place.old_log(name))
        argv = [*_entrance(place, current, name), *command(place, name)]
        daemon = processes.spawn(name, argv, own, place.output(name))
        current = replace(current, processes=(*current.processes, daemon))
        state_file.write(place, current)
    say(f"started {', '.join(missing)} in {place.directory}")
    return current


def _entrance(place: Layout, current: Record, name: str) -> list[str]:
    """Return the command prefix of a daemon: its network and the boot id of its host."""
    if not current.namespaces:
        return []
    its_boot = [] if name in ("master", API) else host_boot.entrance(place, name)
    return [*Network(place.directory).entrance("master" if name == API else name), *its_boot]


def environment(place: Layout) -> dict[str, str]:
    """Return our environment with the cluster's marker.

    Python may write bytecode; otherwise Salt is slow. SPT_NOENV keeps setproctitle, which Salt uses, from
    writing titles over the environment, which contains the marker.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    return {**inherited, MARKER: str(place.directory), "SPT_NOENV": "1"}


_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "SALT_CONFIG_DIR", "SALT_MASTER_CONFIG", "SALT_MINION_CONFIG")


def command(place: Layout, name: str) -> list[str]:
    """Return the command of a daemon.

    Raises:
        O2Error: if Salt is not installed.
    """
    kind = {"master": "salt-master", API: "salt-api"}.get(name, "salt-minion")
    program = shutil.which(kind, path=sysconfig.get_path("scripts")) or shutil.which(kind)
    if program is None:
        raise O2Error(f"{kind} is missing: install Salt into the environment of {sys.executable}")
    argv = [sys.executable, program, "-c", str(place.config_dir(name))]
    return argv if name in ("master", API) else [*argv, "--disable-keepalive"]
