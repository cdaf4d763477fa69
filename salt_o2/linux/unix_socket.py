"""Who listens at a unix socket: tells one that is slow to answer from one that is not there.

The kernel keeps, with the socket, which process began to listen (SO_PEERCRED, unix(7)), and takes connections
for it as long as it lives, also while it gets no processor time. Of one that has died only the file is left.
"""

import struct
from pathlib import Path
from socket import AF_UNIX, SO_PEERCRED, SOL_SOCKET, socket

_CREDENTIALS = struct.Struct("3i")
"""Of struct ucred: pid, uid, gid."""


def peer_pid(path: Path) -> int | None:
    """Return the pid of the process that listens at ``path``; ``None`` if nobody does."""
    with socket(AF_UNIX) as probe:
        probe.setblocking(False)
        if probe.connect_ex(str(path)) != 0:
            return None
        return int(_CREDENTIALS.unpack(probe.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))[0])
