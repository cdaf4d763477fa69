"""Read files below one folder so that neither a name nor a link leads out of it.

The authors of a repository write its files and links; control, which reads them, may read much more than
the authors may. Every part of a path is opened below the previous part, and the kernel follows no link. Links
are resolved here, as long as they stay inside. So a change of a link at any moment has no effect.
"""

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from salt_o2.workflow.sources.trusted_folder import LINKS, make_trusted, open_trusted

_TICK_NS = 100_000_000
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY


def read_within(folder: Path, name: str, most: int) -> bytes:
    """Return the first ``most`` bytes of the file ``name`` below ``folder``.

    Raises:
        OSError: if there is none, it cannot be read, is no regular file, or a link leads out of ``folder``.
    """
    with _opened(folder, name) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(folder / name))
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read(most)


def write_within(folder: Path, name: str, content: bytes) -> None:
    """Write ``content`` atomically to the file ``name`` below ``folder``; make missing folders.

    Raises:
        OSError: if a link is on the way, or the file cannot be written.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise _leads_out(folder, name)
    way = [make_trusted(folder)]
    try:
        for part in parts[:-1]:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=way[-1])
            way.append(os.open(part, _READ | os.O_DIRECTORY, dir_fd=way[-1]))
        _put(way[-1], parts[-1], content)
    finally:
        for descriptor in way:
            os.close(descriptor)


def _put(inside: int, name: str, content: bytes) -> None:
    scratch = f".{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(scratch, flags, 0o600, dir_fd=inside), "wb") as stream:
            stream.write(content)
        os.rename(scratch, name, src_dir_fd=inside, dst_dir_fd=inside)
    except BaseException:
        with suppress(OSError):
            os.unlink(scratch, dir_fd=inside)
        raise


def stat_within(folder: Path, name: str) -> os.stat_result:
    """Return the stat result of ``name`` below ``folder``.

    Raises:
        OSError: if ``name`` does not exist, or a link leads out of ``folder``.
    """
    with _opened(folder, name) as descriptor:
        return os.fstat(descriptor)


def is_file_within(folder: Path, name: str) -> bool:
    """Return whether ``name`` below ``folder`` is a regular file that can be opened without leaving it."""
    try:
        return stat.S_ISREG(stat_within(folder, name).st_mode)
    except (OSError, ValueError):
        return False


def is_folder_within(folder: Path, name: str) -> bool:
    """Return whether ``name`` below ``folder`` is a folder that can be opened without leaving it."""
    try:
        return stat.S_ISDIR(stat_within(folder, name).st_mode)
    except (OSError, ValueError):
        return False


class Stamp(NamedTuple):
    """What differs when a file has changed, or is another one."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


def stamp_of(found: os.stat_result) -> Stamp:
    """Return the stamp of a file, from its stat result."""
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def is_settled(stamp: Stamp) -> bool:
    """Return whether a later change gives another stamp: two changes within a tick of the clock may not."""
    return time.time_ns() - stamp.modified_ns > _TICK_NS


def names_within(folder: Path, name: str) -> list[str]:
    """Return the names in the folder ``name`` below ``folder``, in order; none if it does not exist.

    Raises:
        OSError: if it cannot be listed, or a link leads out of ``folder``.
    """
    try:
        with _opened(folder, name) as descriptor:
            return sorted(os.listdir(descriptor))  # noqa: PTH208  a Path has no descriptor
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_within(folder: Path, inside: str = "") -> Iterator[str]:
    """Find all regular files below ``inside`` in ``folder``, by their names relative to ``folder``.

    Links to folders are not followed.

    Raises:
        OSError: if ``folder`` or a folder below it cannot be listed.
    """
    todo = [inside]
    while todo:
        inside = todo.pop()
        for name in names_within(folder, inside):
            path = f"{inside}/{name}" if inside else name
            kind = stat.S_IFMT((folder / path).lstat().st_mode)
            if kind == stat.S_IFDIR:
                todo.append(path)
            elif kind == stat.S_IFREG or is_file_within(folder, path):
                yield path


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[int]:
    """Open ``name`` below ``folder``; ``folder`` itself may be a link, see trusted_folder.py."""
    way = [open_trusted(folder)]
    try:
        _walk(way, name, folder)
        yield way[-1]
    finally:
        for descriptor in way:
            os.close(descriptor)


def _walk(way: list[int], name: str, folder: Path) -> None:
    """Open one part of ``name`` after the other; ``way`` has the open parts, the outermost first."""
    todo = _parts(name, folder)
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            if len(way) == 1:
                raise _leads_out(folder, name)
            os.close(way.pop())
            continue
        target = _target(part, way[-1])
        if target is None:
            way.append(os.open(part, _READ, dir_fd=way[-1]))
            continue
        links += 1
        if links > LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder / name))
        if target.startswith("/"):
            raise _leads_out(folder, name)
        todo += _parts(target, folder)


def _parts(name: str, folder: Path) -> list[str]:
    """Return the parts of a relative path, the last first."""
    path = PurePosixPath(name)
    if path.is_absolute():
        raise _leads_out(folder, name)
    return list(reversed(path.parts))


def _target(part: str, inside: int) -> str | None:
    """Return the target of the link ``part``; ``None`` if it is no link."""
    try:
        return os.readlink(part, dir_fd=inside)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _leads_out(folder: Path, name: str) -> OSError:
    return OSError(errno.EXDEV, f"it leads out of {folder}", str(folder / name))
