"""Requests to control that are under way or ended a short time ago.

A request goes on when its client has gone. A client that sends the same request with the same idempotency key
again gets the first one, so that a repetition after a lost answer does nothing twice.
"""

import asyncio
import hashlib
import json
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from salt_o2.api.access.callers import Caller
from salt_o2.core.errors import InvalidRequestError, O2Error, UnknownNameError, UnreachableError

KEPT_S = 600.0
"""For how long the result of an ended request can be read, in seconds."""
MOST_KEPT = 2000
"""Requests that are kept at most."""


class Gateway(Protocol):
    """Sends requests to control; ``ControlGateway`` implements it."""

    async def request(
        self,
        verb: str,
        arguments: dict[str, Any],
        user: str,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> Any:
        """Return the result of ``verb``."""


@dataclass(slots=True)
class RunningRequest:
    """One request of one caller."""

    id: str
    verb: str
    caller: str
    begun: float
    digest: str = ""
    """Of verb and arguments, to detect another request with the same idempotency key."""
    progress: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    error: O2Error | None = None
    ended: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at each change; a reader that waits replaces it."""

    @property
    def status(self) -> str:
        """``running``, ``done`` or ``failed``."""
        if self.ended is None:
            return "running"
        return "failed" if self.error else "done"

    def announce(self) -> None:
        """Wake all readers that wait for a change."""
        self.changed.set()
        self.changed = asyncio.Event()


class RunningRequests:
    """Starts requests and finds them again."""

    def __init__(self, gateway: Gateway, clock: Callable[[], float]) -> None:
        """Send requests by ``gateway``; ``clock`` returns seconds."""
        self._gateway, self._clock = gateway, clock
        self._requests: OrderedDict[str, RunningRequest] = OrderedDict()
        self._keys: dict[tuple[str, str], str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, caller: Caller, verb: str, arguments: dict[str, Any], key: str = "") -> RunningRequest:
        """Return a new request of ``caller``, or the earlier one with the same idempotency ``key``.

        Raises:
            InvalidRequestError: if the key was used for another request.
            UnreachableError: if too many requests are under way.
        """
        self._drop_old()
        digest = hashlib.sha256(json.dumps([verb, arguments], sort_keys=True).encode()).hexdigest()
        if key and (known := self._requests.get(self._keys.get((caller.name, key), ""))):
            if known.digest != digest:
                raise InvalidRequestError(
                    f"the idempotency key {key!r} belongs to another request. Nothing was done; use a new key"
                )
            return known
        if len(self._requests) >= MOST_KEPT:
            raise UnreachableError(f"{MOST_KEPT} requests are under way, which is the limit: try again later")
        request = RunningRequest(uuid.uuid4().hex, verb, caller.name, self._clock(), digest)
        self._requests[request.id] = request
        if key:
            self._keys[caller.name, key] = request.id
        task = asyncio.create_task(self._carry_out(request, caller, arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return request

    def find(self, id: str, caller: Caller) -> RunningRequest:
        """Return a request of ``caller``.

        Raises:
            UnknownNameError: if the caller has no such request.
        """
        request = self._requests.get(id)
        if request is None or request.caller != caller.name:
            raise UnknownNameError(f"there is no request {id}; results are kept for {KEPT_S / 60:g} minutes")
        return request

    async def _carry_out(self, request: RunningRequest, caller: Caller, arguments: dict[str, Any]) -> None:
        def report(step: dict[str, Any]) -> None:
            request.progress = step
            request.announce()

        try:
            request.result = await self._gateway.request(request.verb, arguments, caller.name, report)
        except O2Error as error:
            request.error = error
        except Exception as error:
            request.error = O2Error(f"internal error of the HTTP interface: {error!r}; see its log")
            raise
        finally:
            request.ended = self._clock()
            request.announce()

    def _drop_old(self) -> None:
        now = self._clock()
        old = [
            id
            for id, each in self._requests.items()
            if each.ended is not None and (now - each.ended > KEPT_S or len(self._requests) > MOST_KEPT // 2)
        ]
        for id in old:
            del self._requests[id]
        if old:
            self._keys = {key: id for key, id in self._keys.items() if id in self._requests}


async def until_ended(request: RunningRequest) -> None:
    """Return when ``request`` has ended."""
    while request.ended is None:
        await request.changed.wait()
