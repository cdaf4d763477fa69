"""Open a folder that the site names, and follow links on the way only if they cannot lead to other accounts.

An author owns the folder in which the named one lies, and can replace it by a link at any moment. Control may
read more than the author, so such a link could show the files of a third account. A link is followed if root
or control's account has made it, or if its owner also owns the folder to which it leads.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LINKS = 40
"""Links on one way, as the kernel allows them."""
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def trusted_folder(folder: Path) -> Iterator[int]:
    """Yield a descriptor of ``folder``.

    Raises:
        OSError: if it cannot be opened; ``EXDEV`` if a link of one account leads to a folder of another.
    """
    descriptor = open_trusted(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_trusted(folder: Path) -> int:
    """Return a descriptor of ``folder``, which the caller closes.

    Raises:
        OSError: see :func:`trusted_folder`.
    """
    here = os.open("/", _FOLDER)
    todo = list(reversed(folder.absolute().parts[1:]))
    owners: set[int] = set()
    links = 0
    try:
        while todo:
            part = todo.pop()
            target = _target(part, here)
            if target is None:
                following = os.open(part, _FOLDER, dir_fd=here)
            else:
                links += 1
                if links > LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
                owners.add(os.stat(part, dir_fd=here, follow_symlinks=False).st_uid)
                todo += reversed([each for each in target.split("/") if each not in ("", ".")])
                following = os.open("/" if target.startswith("/") else ".", _FOLDER, dir_fd=here)
            os.close(here)
            here = following
        _check_owners(owners, here, folder)
    except BaseException:
        os.close(here)
        raise
    return here


def make_trusted(folder: Path) -> int:
    """Return a descriptor of ``folder``, which the caller closes; make what is missing.

    Raises:
        OSError: see :func:`trusted_folder`; also if it cannot be made.
    """
    missing: list[str] = []
    base = folder.absolute()
    while True:
        try:
            here = open_trusted(base)
            break
        except FileNotFoundError:
            missing.append(base.name)
            base = base.parent
    for name in reversed(missing):
        try:
            os.mkdir(name, dir_fd=here)
            following = os.open(name, _FOLDER, dir_fd=here)
        finally:
            os.close(here)
        here = following
    return here


def _target(part: str, here: int) -> str | None:
    """Return the target of the link ``part``; ``None`` if it is no link."""
    try:
        return os.readlink(part, dir_fd=here)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _check_owners(owners: set[int], here: int, folder: Path) -> None:
    strange = owners - {0, os.geteuid(), os.fstat(here).st_uid}
    if strange:
        raise OSError(
            errno.EXDEV,
            f"a link of the account {min(strange)} leads to a folder of another account: it is not followed",
            str(folder),
        )
