"""Removal of directory trees that an unprivileged account has written.

``shutil.rmtree`` recurses: a tree of a thousand levels ends the caller with RecursionError. ``rm`` does not
recurse, and it follows no symbolic link, whatever the account changes meanwhile. A file, or a directory of a
few files, is removed without another process: unlink(2) follows no link either.
"""

import itertools
import logging
import os
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)
_LIMIT_S = 600.0
FEW = 32
"""Entries of a directory that is removed without another process."""


def remove_tree(path: Path) -> bool:
    """Remove ``path`` with all that is below it, on its own file system; block until it is removed.

    Returns:
        Whether nothing of it is left. The log has the reason otherwise.
    """
    if _is_removed_flat(path):
        return True
    command = ["rm", "-rf", "--one-file-system", "--", str(path)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("%s cannot be removed: %s", path, error)
        return False
    if done.returncode:
        log.warning("%s cannot be removed: %.400s", path, done.stderr.strip())
    return done.returncode == 0


def _is_removed_flat(path: Path) -> bool:
    """Remove ``path`` if it is a file, or a directory of at most FEW files; return whether it is removed."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return True
        with os.scandir(path) as found:
            names = [each.name for each in itertools.islice(found, FEW + 1)]
        if len(names) > FEW:
            return False
        for name in names:
            (path / name).unlink()
        path.rmdir()
    except OSError:
        # ``rm`` removes directories below it, and says why it cannot.
        return False
    return True
