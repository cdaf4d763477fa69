"""Client of control's HTTP interface, with the same method ``request`` as the client of the local socket.

The answer to a request is a line of JSON for each step, and a last line with the result. The module imports
little, because every command with ``--server`` loads it.
"""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from salt_o2.core.errors import InvalidRequestError, O2Error, UnreachableError, rebuild

ProgressCallback = Callable[[dict[str, Any]], None]

LINES = "application/x-ndjson"
CONNECT_S = 10.0
SILENCE_S = 30.0
"""Seconds without a line after which the server counts as away; it sends one every ten seconds."""
REQUEST_TIMEOUT_S = 600.0


class HttpClient:
    """Send requests to the HTTP interface at a URL; a context manager, for one thread."""

    def __init__(self, server: str, token: str = "", certificates: str = "") -> None:
        """Prepare requests to ``server``, a URL such as ``https://control.example:8643``.

        ``token`` is that of a session. ``certificates`` is a file with the certificates to believe, in PEM;
        without it the system's are believed.

        Raises:
            InvalidRequestError: if ``server`` is no such URL, or the token would be sent unencrypted.
        """
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidRequestError(f"{server!r} is no URL such as https://control.example:8643")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise InvalidRequestError(f"{server}: a token is sent over https only, except to this machine")
        self.server, self._token = server, token
        self._host, self._port = parts.hostname, parts.port
        self._tls = _context(certificates) if parts.scheme == "https" else None

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: each request has a connection of its own."""

    def request(
        self,
        verb: str,
        arguments: dict[str, Any] | None = None,
        on_progress: ProgressCallback | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Any:
        """Request ``verb`` and return its result; call ``on_progress`` with each progress map.

        Raises:
            UnreachableError: if the server does not answer, or not within ``timeout_s``.
            O2Error: the error that control raised, or a refusal of the server.
        """
        end = time.monotonic() + timeout_s
        for line in self._lines("POST", f"/api/v1/{verb}", arguments or {}):
            if "result" in line:
                return line["result"]
            if "error" in line:
                raise _error(line["error"])
            if on_progress and line.get("progress"):
                on_progress(line["progress"])
            if time.monotonic() > end:
                raise UnreachableError(
                    f"{self.server} has not finished {verb} within {timeout_s:g} s; control goes on with it"
                )
        raise UnreachableError(
            f"{self.server} ended the connection while control carried out {verb}. Control goes on with it: "
            "look at the environment before you ask again"
        )

    def sign_in(self, **given: str) -> dict[str, Any]:
        """Return a new session for ``username`` and ``password``, or for the token of a one-time ``link``.

        Raises:
            O2Error: if the server refuses it.
        """
        return next(iter(self._lines("POST", "/api/v1/session", dict(given))))

    def session(self) -> dict[str, Any]:
        """Return user, role and end of the session of the token.

        Raises:
            O2Error: if there is none.
        """
        return next(iter(self._lines("GET", "/api/v1/session", None)))

    def sign_out(self) -> None:
        """End the session of the token.

        Raises:
            O2Error: if there is none.
        """
        list(self._lines("DELETE", "/api/v1/session", None))

    def _lines(self, method: str, path: str, body: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self._headers())
            if connection.sock is not None:
                connection.sock.settimeout(SILENCE_S)
            response = connection.getresponse()
            if response.status >= 400:
                raise _error(_document(response.read()) or {"detail": f"{response.status} {response.reason}"})
            for line in response:
                yield _document(line)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"no answer from {self.server}: {error or type(error).__name__}. Running tasks go on"
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_S)
        return http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_S, context=self._tls)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": LINES, "Content-Type": "application/json"}
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})


def _context(certificates: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificates or None)
    except OSError as error:
        raise InvalidRequestError(f"certificates in {certificates} cannot be read: {error}") from error


def _document(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line or b"{}")
    except ValueError:
        return {"detail": line.decode(errors="replace")[:500]}
    return found if isinstance(found, dict) else {"detail": str(found)[:500]}


def _error(problem: dict[str, Any]) -> O2Error:
    """Return the error of a problem document (RFC 9457)."""
    message = str(problem.get("detail") or problem.get("title") or "the server refused the request")
    document = {"kind": problem.get("kind", ""), "message": message, "fields": problem.get("fields")}
    return rebuild(document)
