"""The control channel of a process at a Unix socket that only its own account and root can open.

The agent creates a directory of mode 0700 for the account of the task, and names a socket in it. The process
makes the socket with mode 0600. Both sides use the path through an open directory or file in /proc/self/fd:
such a path always fits into the 107 bytes that a Unix socket permits.
"""

import os
import stat
import struct
from contextlib import suppress
from pathlib import Path
from socket import AF_UNIX, SO_PEERCRED, SOL_SOCKET, socket

_CREDENTIALS = struct.Struct("3i")
"""Of struct ucred (unix(7)): pid, uid, gid."""


class ServedSocket:
    """The path at which this process serves its control channel."""

    def __init__(self, path: Path) -> None:
        """Open the directory of ``path``.

        Raises:
            OSError: there is no such directory.
        """
        self._folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self.address = f"unix:/proc/self/fd/{self._folder}/{path.name}"
        """The address for gRPC. It is valid until this process ends."""


class PinnedSocket:
    """The socket that one process made at a path: never another one that is put there later."""

    def __init__(self, handle: int, peer: int) -> None:
        """Own ``handle``; see :func:`pin`."""
        self._handle = handle
        self.peer = peer
        """The pid of the process that listens, as the kernel reports it."""
        self.address = f"unix:/proc/self/fd/{handle}"

    def accepts(self) -> bool:
        """Return whether the process still listens."""
        return _credentials(self._handle) is not None

    def close(self) -> None:
        """Close the handle; connections stay."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


def pin(path: Path) -> PinnedSocket | None:
    """Return the socket at ``path`` if a process of the directory's account listens at it.

    The agent has root's rights, and an account can put anything into its own directory. So no link is
    followed. The file and the listening process must be those of the account that owns the directory:
    otherwise one account could have the agent drive a device of another one.
    """
    try:
        owner = path.parent.stat().st_uid
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(handle)
    if stat.S_ISSOCK(found.st_mode) and found.st_uid == owner:
        peer = _credentials(handle)
        if peer is not None and peer[1] == owner:
            return PinnedSocket(handle, peer[0])
    os.close(handle)
    return None


def _credentials(handle: int) -> tuple[int, int] | None:
    """Return pid and uid of the process that listens at an open socket file; ``None`` if no process does."""
    with suppress(OSError), socket(AF_UNIX) as probe:
        probe.setblocking(False)
        probe.connect(f"/proc/self/fd/{handle}")
        pid, uid, _ = _CREDENTIALS.unpack(probe.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))
        return pid, uid
    return None
