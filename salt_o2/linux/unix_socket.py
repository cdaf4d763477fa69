"""Distinguishes a process that is slow to answer at a unix socket from an absent one.

The kernel stores, with the socket, the process that began to listen (SO_PEERCRED, unix(7)). It accepts
connections for that process as long as it runs, even while it gets no processor time. After the process has
ended, only the file is left.
"""

import os
import struct
from pathlib import Path
from socket import AF_UNIX, SO_PEERCRED, SOL_SOCKET, socket

_CREDENTIALS = struct.Struct("3i")
"""Of struct ucred: pid, uid, gid."""


def peer_pid(path: Path) -> int | None:
    """Return the pid of the process that listens at ``path``; ``None`` if no process does.

    A path of any length is possible: the kernel reads it through the open directory.
    """
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        with socket(AF_UNIX) as probe:
            probe.setblocking(False)
            if probe.connect_ex(f"/proc/self/fd/{folder}/{path.name}") != 0:
                return None
            return int(_CREDENTIALS.unpack(probe.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))[0])
    finally:
        os.close(folder)
