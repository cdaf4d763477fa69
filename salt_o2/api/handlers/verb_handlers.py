"""Handlers of requests to control: ``/api/v1/VERB``, and ``/api/v1/requests/ID`` for those under way."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, get_origin, get_type_hints

import tornado.iostream
import tornado.web

from salt_o2.api.access.callers import Caller, authorize
from salt_o2.api.handlers.base import Handler, OnlyPost, Services
from salt_o2.api.handlers.openapi import is_read_only, openapi
from salt_o2.api.handlers.problems import problem
from salt_o2.api.requests.running_requests import RunningRequest, until_ended
from salt_o2.core.errors import InvalidRequestError

LINES = "application/x-ndjson"
HEARTBEAT_S = 10.0
"""How often a request with lines sends its last progress again, so that no proxy ends the connection."""


class VerbHandler(Handler):
    """``POST /api/v1/VERB`` with the arguments as a JSON object; ``GET`` for requests that change nothing."""

    verbs: Mapping[str, type[Any]]

    def initialize(self, services: Services, verbs: Mapping[str, type[Any]] | None = None) -> None:
        """Serve ``verbs``, each with the class of its arguments."""
        super().initialize(services)
        self.verbs = verbs or {}

    async def post(self, verb: str) -> None:
        """Send the request, and answer as the client prefers."""
        caller = self.caller()
        authorize(caller, verb)
        await self._serve(caller, verb, self.body())

    async def get(self, verb: str) -> None:
        """Send a request that changes nothing; its arguments are query parameters."""
        caller = self.caller()
        authorize(caller, verb)
        if not is_read_only(verb):
            raise OnlyPost(verb)
        given = {name: self.get_query_arguments(name) for name in self.request.query_arguments}
        await self._serve(caller, verb, query_arguments(self.verbs[verb], given))

    async def _serve(self, caller: Caller, verb: str, arguments: dict[str, Any]) -> None:
        key = self.request.headers.get("Idempotency-Key", "")
        if len(key) > 200:
            raise InvalidRequestError("an idempotency key has at most 200 characters")
        request = self.services.requests.start(caller, verb, arguments, key)
        if "respond-async" in self.request.headers.get("Prefer", ""):
            self.set_header("Location", f"/api/v1/requests/{request.id}")
            self.answer(described(request), 202)
        elif LINES in self.request.headers.get("Accept", ""):
            await self._stream(request)
        else:
            await until_ended(request)
            if request.error:
                raise request.error
            self.answer(request.result)

    async def _stream(self, request: RunningRequest) -> None:
        self.set_header("Content-Type", LINES)
        self.set_header("X-Accel-Buffering", "no")
        shown: dict[str, Any] = {}
        try:
            while request.ended is None:
                changed = request.changed
                if request.progress is not shown:
                    shown = request.progress
                    await self._line({"progress": shown})
                if request.ended is None:
                    await _wait(changed, HEARTBEAT_S)
            last = {"error": problem(request.error)} if request.error else {"result": request.result}
            await self._line(last)
        except tornado.iostream.StreamClosedError:
            return  # The request goes on without its client.

    async def _line(self, document: dict[str, Any]) -> None:
        self.write(json.dumps(document, ensure_ascii=False) + "\n")
        await self.flush()


class RequestHandler(Handler):
    """``GET /api/v1/requests/ID``: a request of the caller that is under way, or its result."""

    def get(self, id: str) -> None:
        """Describe the request."""
        self.answer(described(self.services.requests.find(id, self.caller())))


class OpenApiHandler(Handler):
    """``GET /api/v1/openapi.json``: the description of the interface; it needs no token."""

    document: dict[str, Any]

    def initialize(self, services: Services, verbs: Mapping[str, type[Any]] | None = None) -> None:
        """Describe ``verbs``."""
        super().initialize(services)
        self.document = openapi(verbs or {})

    def get(self) -> None:
        """Send the description."""
        self.answer(self.document)


def query_arguments(kind: type[Any], given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the arguments of a query: a list by repetition or as JSON, a map as JSON, all others as text.

    Control converts texts to the types of its arguments.

    Raises:
        InvalidRequestError: if a list or a map is no JSON.
    """
    types = get_type_hints(kind)
    arguments: dict[str, Any] = {}
    for name, values in given.items():
        shape = get_origin(types.get(name))
        if shape in (list, tuple):
            arguments[name] = _from_json(name, values[0]) if values[0].startswith("[") else values
        elif shape is dict:
            arguments[name] = _from_json(name, values[-1])
        else:
            arguments[name] = values[-1]
    return arguments


def _from_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{name} must be JSON: {error}") from error


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), seconds)


def described(request: RunningRequest) -> dict[str, Any]:
    """Return a request as its client sees it."""
    return {
        "id": request.id,
        "verb": request.verb,
        "status": request.status,
        "progress": request.progress or None,
        "result": request.result,
        "error": problem(request.error) if request.error else None,
    }
