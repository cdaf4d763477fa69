"""A small real server that speaks control's contract, for tests of its clients."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import zmq

from salt_o2.core.errors import InvalidRequestError, O2Error

Answer = Callable[[dict[str, Any]], Any]


class FakeControl:
    """Answers each verb as a test has set it, and records the requests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[dict[str, Any]] = []
        self._answers: dict[str, tuple[list[dict[str, Any]], Answer]] = {}

    def answer(self, verb: str, result: Any, progress: list[dict[str, Any]] | None = None) -> None:
        """Answer ``verb`` with ``result``: a value, an error to raise, or a function of the arguments."""
        self._answers[verb] = (progress or [], result if callable(result) else lambda _arguments: result)

    def asked(self, verb: str) -> list[dict[str, Any]]:
        """Return the arguments of all requests for ``verb``."""
        return [request["arguments"] for request in self.requests if request["verb"] == verb]

    def replies(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        identity, verb = request["id"], request["verb"]
        yield {"id": identity, "progress": {}}
        progress, answer = self._answers.get(verb, ([], _unknown(verb)))
        yield from ({"id": identity, "progress": one} for one in progress)
        try:
            result = answer(request["arguments"])
            if isinstance(result, O2Error):
                raise result
            yield {"id": identity, "result": result}
        except O2Error as error:
            yield {"id": identity, "error": {"kind": error.kind, "message": str(error)}}


def _unknown(verb: str) -> Answer:
    def refuse(_arguments: dict[str, Any]) -> Any:
        raise InvalidRequestError(f"the fake has no answer to {verb}")

    return refuse


@contextmanager
def fake_control(path: Path) -> Iterator[FakeControl]:
    """Serve a FakeControl at ``path`` from a thread until the block ends."""
    control, context = FakeControl(path), zmq.Context()
    stop_here, stop_there = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    stop_there.bind("inproc://stop")
    stop_here.connect("inproc://stop")
    router = context.socket(zmq.ROUTER)
    router.bind(f"ipc://{path}")
    thread = threading.Thread(target=_serve, args=(control, router, stop_there), daemon=True)
    thread.start()
    try:
        yield control
    finally:
        stop_here.send(b"")
        thread.join()
        for socket in (stop_here, stop_there, router):
            socket.close(linger=0)
        context.term()


def _serve(control: FakeControl, router: Any, stop: Any) -> None:
    poller = zmq.Poller()
    poller.register(router, zmq.POLLIN)
    poller.register(stop, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if stop in ready:
            return
        peer, frame = router.recv_multipart()
        request = msgpack.unpackb(frame)
        control.requests.append(request)
        for reply in control.replies(request):
            router.send_multipart([peer, msgpack.packb(reply)])
