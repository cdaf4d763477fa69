"""What a process leaves in the file system when it is killed: named sockets, and FairMQ's shared memory.

Only what belongs to that one task is taken away: sockets that it bound, and segments of a FairMQ session of
its own or of devices that are all gone. A session named ``default`` belongs to everybody, and is left alone.
"""

import hashlib
import logging
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from salt_o2.agent.procfs import PROC
from salt_o2.core.launch import Launch

log = logging.getLogger(__name__)
SHM = Path("/dev/shm")
PREFIX = "fmq_"
EVERYBODYS = "default"


def clear(launch: Launch | None, properties: Mapping[str, str] | None, uid: int) -> list[Path]:
    """Remove what a process of ``uid``, started by ``launch`` and now gone, has left; return what it was."""
    left = [*dead_sockets(properties or {}), *(_segments_of(launch, uid) if launch else ())]
    return [path for path in left if _removed(path)]


def dead_sockets(properties: Mapping[str, str]) -> Iterator[Path]:
    """Return the named sockets that channels in ``properties`` bind and nobody listens at any more."""
    for key, value in properties.items():
        if not key.startswith("chans.") or not key.endswith(".address"):
            continue
        if properties.get(key.removesuffix("address") + "method", "bind") == "bind":
            yield from (path for path in _named(value) if _is_dead(path))


def _named(addresses: str) -> Iterator[Path]:
    """Return the paths in a channel's ``addresses``; those in the abstract namespace leave no file."""
    for address in addresses.split(","):
        path = address.lstrip("@>+").removeprefix("ipc://")
        if address.lstrip("@>+").startswith("ipc:///"):
            yield Path(path)


def _is_dead(path: Path) -> bool:
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)
            probe.connect(str(path))
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def session_of(launch: Launch) -> str:
    """Return the FairMQ session that a command line names; ``default`` if none."""
    words = launch.command_line.split() if launch.shell else list(launch.arguments)
    for word, after in zip(words, [*words, ""][1:], strict=True):
        if word == "--session":
            return after
        if word.startswith("--session="):
            return word.partition("=")[2]
    return EVERYBODYS


def shm_id(session: str, uid: int) -> str:
    """Return how FairMQ names a session's segments: SHA-256 of user and session (its `shmem/Common.h`)."""
    return hashlib.sha256(f"{uid}{session}".encode()).hexdigest()[:8]


def _segments_of(launch: Launch, uid: int) -> list[Path]:
    session = session_of(launch)
    if session == EVERYBODYS:
        return []
    found = list(SHM.glob(f"{PREFIX}{shm_id(session, uid)}_*"))
    used = mapped() if found else set()
    return [] if any(str(path) in used for path in found) else found


def unused_segments() -> list[Path]:
    """Return all of FairMQ's segments that no process has mapped and that are this user's, or root looks."""
    found = list(SHM.glob(f"{PREFIX}*"))
    used = mapped() if found else set()
    return sorted(path for path in found if str(path) not in used and _is_ours(path))


def mapped() -> set[str]:
    """Return the files in shared memory that some process has mapped, as far as this user may see."""
    sign, found = f" {SHM}/", set()
    for name in os.listdir(PROC):  # noqa: PTH208
        if not name.isdigit():
            continue
        try:
            lines = (PROC / name / "maps").read_text(errors="replace").splitlines()
        except OSError:
            continue
        found |= {line[line.index(sign) + 1 :] for line in lines if sign in line}
    return found


def _is_ours(path: Path) -> bool:
    try:
        return os.geteuid() in (0, path.lstat().st_uid)
    except OSError:
        return False


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError as error:
        log.warning("%s was left behind by a task and cannot be removed: %s", path, error)
        return False
    log.info("removed %s, which a task had left behind", path)
    return True
