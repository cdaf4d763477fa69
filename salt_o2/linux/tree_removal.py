"""Removal of directory trees that an unprivileged account has written.

``shutil.rmtree`` recurses: a tree of a thousand levels ends the caller with RecursionError. ``rm`` does not
recurse, and it follows no symbolic link, whatever the account changes meanwhile.
"""

import logging
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)
_LIMIT_S = 600.0


def remove_tree(path: Path) -> bool:
    """Remove ``path`` with all that is below it, on its own file system; block until it is removed.

    Returns:
        Whether nothing of it is left. The log has the reason otherwise.
    """
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
