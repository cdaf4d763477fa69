"""Speaks with this host's agent through its socket; for Salt's execution modules, which are not asynchronous.

with client.connect(__opts__["sock_dir"], timeout_s=10) as agent:
    agent.tasks()
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgpack
import zmq

from salt_o2.client.connection_monitor import open_socket, watched
from salt_o2.core.errors import InvalidRequestError, UnreachableError, rebuild
from salt_o2.core.socket_paths import socket_path

GRACE_S = 5.0
"""Added to the time limit of a request before the client times out, in seconds."""


class AgentClient:
    """One connection. Each method sends one request."""

    def __init__(
        self, socket: zmq.Socket[bytes], ended: zmq.Socket[bytes], path: Path, timeout_s: float
    ) -> None:
        """Use ``socket``, connected to ``path``. ``ended`` becomes readable when the connection ends."""
        self._socket, self._ended, self._path, self._timeout_s = socket, ended, path, timeout_s

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks of this host (TaskReport, with ``command`` and ``mode``)."""
        return list(self._ask("tasks"))

    def deliver(self, message: Mapping[str, str]) -> dict[str, Any]:
        """Deliver a message that control has sealed for this agent."""
        return dict(self._ask("deliver", message=dict(message)))

    def drive(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Deliver ``command``, a core.messages.Command as plain values. It may arrive by the bus, too."""
        return dict(self._ask("drive", command=dict(command)))

    def transition(
        self, tasks: Sequence[str], event: str, arguments: Mapping[str, str], timeout_s: float
    ) -> dict[str, Any]:
        """Send ``event`` to ``tasks`` under manual control; return each state, and error if any."""
        asked = {"tasks": list(tasks), "event": event, "arguments": dict(arguments), "timeout_s": timeout_s}
        return dict(self._ask("transition", timeout_s + GRACE_S, **asked))

    def kill(self, tasks: Sequence[str]) -> dict[str, Any]:
        """Kill the processes of ``tasks``; return for each whether it has ended."""
        return dict(self._ask("kill", 30.0, tasks=list(tasks)))

    def log(
        self, task: str, lines: int, after: Mapping[str, int] | None = None, wait_s: float = 0.0
    ) -> dict[str, Any]:
        """Return the last ``lines`` lines of ``stdout`` and ``stderr`` of ``task``.

        ``at`` holds the end positions. With such positions in ``after``, the lines since then are returned
        as soon as there are any, at the latest after ``wait_s`` seconds.
        """
        if after is None:
            return dict(self._ask("log", task=task, lines=lines))
        asked = {"task": task, "lines": lines, "after": dict(after), "wait_s": wait_s}
        return dict(self._ask("log", wait_s + GRACE_S, **asked))

    def records(self, environment: str) -> list[dict[str, Any]]:
        """Return all data on the agent's disk about the tasks of ``environment``."""
        return list(self._ask("records", environment=environment))

    def info(self) -> dict[str, Any]:
        """Return the agent's information about itself."""
        return dict(self._ask("info"))

    def _ask(self, verb: str, at_least_s: float = 0.0, **arguments: Any) -> Any:
        timeout_s = max(self._timeout_s, at_least_s)
        try:
            request = msgpack.packb({"verb": verb, "arguments": arguments})
        except (OverflowError, TypeError, ValueError) as error:
            raise InvalidRequestError(f"{verb}: a value cannot be sent: {error}") from error
        self._socket.send(request)
        self._await_answer(verb, timeout_s)
        answer = msgpack.unpackb(self._socket.recv())
        if "error" in answer:
            raise rebuild(answer["error"])
        return answer["result"]

    def _await_answer(self, verb: str, timeout_s: float) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._ended, zmq.POLLIN)
        if not poller.poll(int(timeout_s * 1000)):
            raise UnreachableError(
                f"the agent at {self._path} did not answer {verb} within {timeout_s:.3g} s"
            )
        if not self._socket.poll(0):
            raise UnreachableError(
                f"the agent at {self._path} has ended before it answered {verb}. Running tasks are not "
                "affected; the next agent of this host takes them over within seconds. It does not repeat a "
                "request of a user: look at the tasks before you repeat it"
            )


@contextlib.contextmanager
def connect(sock_dir: str | Path, timeout_s: float = 10.0) -> Iterator[AgentClient]:
    """Connect to the agent whose socket is in ``sock_dir``. Each request may take ``timeout_s`` seconds.

    Raises:
        UnreachableError: no agent runs there, or it does not answer.
        InvalidRequestError: ``sock_dir`` is too long.
    """
    path = socket_path(sock_dir)
    if not path.exists():
        raise UnreachableError(
            f"no agent listens at {path}. Is engine o2_agent in the minion's configuration?"
        )
    with (
        zmq.Context() as context,
        open_socket(context, zmq.REQ) as socket,
        watched(socket) as ended,
    ):
        socket.linger = 0
        socket.connect(f"ipc://{path}")
        yield AgentClient(socket, ended, path, timeout_s)
