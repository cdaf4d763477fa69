"""Client of control's local socket.

Each request has its own socket. The client sends one msgpack map {"id", "verb", "arguments", "user"}.
Control answers at once with a progress map, then with any number of them, and last with {"id", "result"} or
{"id", "error": {"kind", "message", "fields"}}, see core/errors.py. If control ends before that, the client
detects it at once (connection_monitor.py).

If the first answer does not come within two seconds, control counts as absent, unless the process that
received the request still listens: then this process or the machine is stalled.

The module imports little, because every command that a user types loads it.
"""

import os
import pwd
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgpack
import zmq

from salt_o2.client.connection_monitor import open_socket, watched
from salt_o2.core.errors import InvalidRequestError, UnreachableError, rebuild
from salt_o2.linux.signal_safe_poll import Readable, signal_safe_poll
from salt_o2.linux.unix_socket import peer_pid

ProgressCallback = Callable[[dict[str, Any]], None]

FIRST_ANSWER_S = 2.0
BUSY_ANSWER_S = 20.0
"""Time limit for the first answer while the same process listens, in seconds."""
REQUEST_TIMEOUT_S = 600.0


NO_LOGIN = 2**32 - 1
"""Login uid that the kernel reports for a process that no login has started."""


def own_name(loginuid: Path = Path("/proc/self/loginuid")) -> str:
    """Return the name of the user of this process, by the kernel: for root the user that has logged in.

    Variables such as LOGNAME are not used, because a user can set them freely.
    """
    uid = os.getuid()
    if uid == 0:
        with suppress(OSError, ValueError):
            logged_in = int(loginuid.read_text())
            uid = uid if logged_in == NO_LOGIN else logged_in
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class ControlClient:
    """Send requests to control; a context manager, for one thread."""

    def __init__(self, path: str | Path, user: str | None = None) -> None:
        """Prepare requests, as ``user``, to the control that listens on the unix socket ``path``."""
        self.path = Path(path)
        self.user = user or own_name()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the socket."""
        self._context.destroy(linger=0)

    def request(
        self,
        verb: str,
        arguments: dict[str, Any] | None = None,
        on_progress: ProgressCallback | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Any:
        """Request ``verb`` and return its result; call ``on_progress`` with each progress map.

        Raises:
            UnreachableError: if no process answers within two seconds, if a listening process does not
                answer within twenty or does not finish within ``timeout_s``, or if the process that received
                the request has ended.
            O2Error: the error that control raised.
        """
        if not self.path.exists():
            raise UnreachableError(f"no control at {self.path}: there is no such socket. {_ADVICE}")
        with open_socket(self._context, zmq.DEALER) as socket, watched(socket) as ended:
            socket.linger = 0
            pid = peer_pid(self.path)
            socket.connect(f"ipc://{self.path}")
            identity = uuid.uuid4().hex
            request = {"id": identity, "verb": verb, "arguments": arguments or {}, "user": self.user}
            socket.send(_packed(request))
            try:
                with signal_safe_poll(socket, ended) as readable:
                    self._await_answer(readable, pid, verb, timeout_s)
                    return self._await_result(socket, readable, identity, verb, on_progress, timeout_s)
            except ConnectionResetError:
                raise self._ended(verb, pid) from None

    def _await_answer(self, readable: Readable, pid: int | None, verb: str, timeout_s: float) -> None:
        """Return when an answer has arrived. ``pid`` is the process that received the request."""
        begin, waited_s = time.monotonic(), 0.0
        while not readable(min(timeout_s - waited_s, FIRST_ANSWER_S)):
            waited_s = time.monotonic() - begin
            if waited_s >= timeout_s:
                raise self._unfinished(verb, timeout_s)
            if pid is None or peer_pid(self.path) != pid:
                raise UnreachableError(
                    f"no control at {self.path}: no answer within {waited_s:.0f} s. {_ADVICE}"
                )
            if waited_s >= BUSY_ANSWER_S:
                raise UnreachableError(
                    f"control at {self.path} runs (pid {pid}), but has not answered for {waited_s:.0f} s. "
                    "Running tasks are not affected. See the master's log"
                )

    def _await_result(
        self,
        socket: "zmq.Socket[bytes]",
        readable: Readable,
        identity: str,
        verb: str,
        on_progress: ProgressCallback | None,
        timeout_s: float,
    ) -> Any:
        end = time.monotonic() + timeout_s
        while True:
            if not readable(end - time.monotonic()):
                raise self._unfinished(verb, timeout_s)
            answer = msgpack.unpackb(socket.recv(), strict_map_key=False)
            if answer.get("id") != identity:
                continue
            if "result" in answer:
                return answer["result"]
            if "error" in answer:
                raise rebuild(answer["error"])
            if on_progress and answer.get("progress"):
                on_progress(answer["progress"])

    def _ended(self, verb: str, pid: int | None) -> UnreachableError:
        return UnreachableError(
            f"control at {self.path} (pid {pid or 'unknown'}) has ended while it carried out {verb}. Running "
            "tasks are not affected. What it had begun is on disk, and the next control goes on with it; "
            "what it had not begun is lost. Look at the environment before you ask again"
        )

    def _unfinished(self, verb: str, timeout_s: float) -> UnreachableError:
        return UnreachableError(
            f"control at {self.path} has not finished {verb} within {timeout_s:g} s; it goes on with it: "
            f"look at the environment, or ask again with a longer time"
        )


def _packed(request: dict[str, Any]) -> bytes:
    """Return ``request`` as bytes.

    Raises:
        InvalidRequestError: if a value in it cannot be encoded.
    """
    try:
        packed: bytes = msgpack.packb(request)
    except (OverflowError, TypeError, ValueError) as error:
        raise InvalidRequestError(f"{request['verb']}: a value cannot be sent: {error}") from error
    return packed


_ADVICE = (
    "Is the salt-master with engine o2_control running, as a user whose socket you may use? "
    "`coconut cluster up` starts a private one."
)
