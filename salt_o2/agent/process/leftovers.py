"""Files that a killed process leaves behind: named sockets and FairMQ's shared memory.

Only files of that one task are removed: sockets that it bound, and segments of a FairMQ session of its own or
of devices that have all ended. Any task may use the session named ``default``, so its segments stay.
"""

import errno
import hashlib
import logging
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from salt_o2.core.plan.launch import Launch
from salt_o2.linux.procfs import PROC

log = logging.getLogger(__name__)
SHM = Path("/dev/shm")
PREFIX = "fmq_"
EVERYBODYS = "default"
MOST_SOCKETS = 1_000
"""Maximum number of named sockets of one task to check; the template author writes them."""


def clear(launch: Launch | None, properties: Mapping[str, str] | None, uid: int) -> list[Path]:
    """Remove the files that a process of ``uid``, started by ``launch`` and now ended, left; return them."""
    paths = [*dead_sockets(properties or {}), *(_segments_of(launch, uid) if launch else ())]
    return [path for path in paths if _removed(path, uid)]


def dead_sockets(properties: Mapping[str, str]) -> list[Path]:
    """Return the named sockets that channels in ``properties`` bind and no process listens at.

    The kernel's list of sockets shows which paths are bound. The agent connects to no path: the template
    author writes the paths, and the agent may be root.
    """
    paths = list(islice(_bound_paths(properties), MOST_SOCKETS))
    listening = _listening_paths() if paths else set()
    return [path for path in paths if str(path) not in listening and _is_socket(path)]


def _bound_paths(properties: Mapping[str, str]) -> Iterator[Path]:
    for key, value in properties.items():
        if not key.startswith("chans.") or not key.endswith(".address"):
            continue
        if properties.get(key.removesuffix("address") + "method", "bind") == "bind":
            yield from _named(value)


def _named(addresses: str) -> Iterator[Path]:
    """Return the paths in a channel's ``addresses``; those in the abstract namespace leave no file."""
    for address in addresses.split(","):
        path = address.lstrip("@>+").removeprefix("ipc://")
        if address.lstrip("@>+").startswith("ipc:///"):
            yield Path(path)


def _listening_paths() -> set[str]:
    """Return the paths of all bound Unix sockets of this network namespace (``proc_net(5)``)."""
    lines = (PROC / "net" / "unix").read_text(errors="surrogateescape").splitlines()[1:]
    return {os.path.normpath(words[7]) for line in lines if len(words := line.split(None, 7)) == 8}


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
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
    """Return FairMQ's ID of a session's segments: SHA-256 of user and session (its `shmem/Common.h`)."""
    return hashlib.sha256(f"{uid}{session}".encode()).hexdigest()[:8]


def _segments_of(launch: Launch, uid: int) -> list[Path]:
    session = session_of(launch)
    if session == EVERYBODYS:
        return []
    found = list(SHM.glob(f"{PREFIX}{shm_id(session, uid)}_*"))
    used = mapped() if found else set()
    return [] if any(str(path) in used for path in found) else found


def unused_segments() -> list[Path]:
    """Return FairMQ's segments that no process has mapped and that are this user's (root: all users')."""
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


def _removed(path: Path, uid: int) -> bool:
    """Remove ``path`` if the account ``uid`` of the task owns it; return whether it was removed.

    No component of the path may be a symbolic link. The account may own the directory and exchange it at any
    time. So the agent, which may be root, holds the directory open while it checks and removes.
    """
    try:
        folder = _open_folder(path.parent)
    except OSError as error:
        log.warning("%s was left behind by a task and cannot be removed: %s", path, error)
        return False
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if found.st_uid != uid or not (stat.S_ISSOCK(found.st_mode) or stat.S_ISREG(found.st_mode)):
            log.warning("%s is not removed: it does not belong to the account of the task", path)
            return False
        if stat.S_ISSOCK(found.st_mode) and not _refuses(f"/proc/self/fd/{folder}/{path.name}"):
            return False
        os.unlink(path.name, dir_fd=folder)
    except OSError as error:
        log.warning("%s was left behind by a task and cannot be removed: %s", path, error)
        return False
    finally:
        os.close(folder)
    log.info("removed %s, which a task had left behind", path)
    return True


def _refuses(path: str) -> bool:
    """Return whether no process listens at socket ``path``, in this or another network namespace."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _open_folder(path: Path) -> int:
    """Return a descriptor of the absolute ``path``; each part must be a directory and no link.

    Raises:
        OSError: a part is missing, a link, or no directory.
    """
    how = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    current = os.open("/", how)
    for part in path.parts[1:]:
        try:
            deeper = os.open(part, how, dir_fd=current)
        finally:
            os.close(current)
        current = deeper
    return current
