"""Compute the path of the socket at which an agent listens for processes of its own host."""

from pathlib import Path

from salt_o2.core.errors import InvalidRequestError

NAME = "o2_agent.ipc"
LONGEST = 107
"""Bytes that fit into a Unix socket's address (unix(7): sun_path)."""


def socket_path(sock_dir: str | Path) -> Path:
    """Return the agent's socket in Salt's ``sock_dir``.

    Raises:
        InvalidRequestError: if the path is too long for a socket.
    """
    path = Path(sock_dir).absolute() / NAME
    length = len(str(path).encode())
    if length > LONGEST:
        raise InvalidRequestError(
            f"{path} has {length} bytes, and a socket's path at most {LONGEST}: set a shorter sock_dir"
        )
    return path
