"""Base of all HTTP handlers: the caller of a request, limits, problem documents, headers."""

import json
from dataclasses import dataclass
from typing import Any

import tornado.web

from salt_o2.api.access.callers import Caller
from salt_o2.api.access.rate_limits import RateLimit
from salt_o2.api.access.session_store import SessionStore
from salt_o2.api.access.settings import ApiSettings
from salt_o2.api.handlers.problems import CONTENT_TYPE, problem
from salt_o2.api.requests.running_requests import RunningRequests
from salt_o2.api.requests.site_feed import SiteFeed
from salt_o2.core.errors import InvalidRequestError, O2Error

COOKIE = "o2_session"
SAFE_METHODS = ("GET", "HEAD")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What handlers use."""

    settings: ApiSettings
    sessions: SessionStore
    requests: RunningRequests
    feed: SiteFeed
    request_limit: RateLimit


class Handler(tornado.web.RequestHandler):
    """Answers in JSON; an error is a problem document."""

    services: Services

    def initialize(self, services: Services) -> None:
        """Give the handler ``services``."""
        self.services = services

    def set_default_headers(self) -> None:
        """Set the headers that each answer has."""
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def caller(self) -> Caller:
        """Return the sender of this request.

        A browser sends the cookie of a session also with a request that another site has made it send. So a
        request that changes something is refused then, unless it comes from a page of this server.

        Raises:
            Unauthorized: if the request has no valid token.
            InvalidRequestError: if another site has made the browser send it, or there are too many.
        """
        token, by_cookie = self.token()
        session = self.services.sessions.find(token) if token else None
        if session is None:
            raise Unauthorized
        if by_cookie and self.request.method not in SAFE_METHODS and not self._is_same_origin():
            raise InvalidRequestError("the request comes from a page of another site. Nothing was done")
        caller = Caller(
            name=session.name, role=session.role, entrance="http", address=self.request.remote_ip or ""
        )
        if not self.services.request_limit.is_permitted(token):
            raise TooManyRequests
        return caller

    def token(self) -> tuple[str, bool]:
        """Return the token of the request, and whether a cookie brought it."""
        kind, _, given = self.request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return given.strip(), False
        return self.get_cookie(COOKIE) or "", True

    def _is_same_origin(self) -> bool:
        site = self.request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        origin = self.request.headers.get("Origin", "")
        return origin == f"{self.request.protocol}://{self.request.host}"

    def body(self) -> dict[str, Any]:
        """Return the JSON object in the body; empty if there is none.

        Raises:
            InvalidRequestError: if the body is something else.
        """
        if not self.request.body:
            return {}
        try:
            found = json.loads(self.request.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidRequestError(f"the body is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise InvalidRequestError(f"the body must be a JSON object, not {type(found).__name__}")
        return found

    def answer(self, document: Any, status: int = 200) -> None:
        """Send ``document`` as JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(document, ensure_ascii=False))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the error that ended a handler as a problem document."""
        error = kwargs.get("exc_info", (None, None))[1]
        if isinstance(error, O2Error):
            document = problem(error, self.request.path)
        else:
            reason = error.log_message if isinstance(error, tornado.web.HTTPError) else None
            document = _plain_problem(status_code, self._reason, reason or "", self.request.path)
        self.set_status(document["status"])
        self.set_header("Content-Type", CONTENT_TYPE)
        if document["status"] == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="Salt O2"')
        if document["status"] == 405:
            self.set_header("Allow", "POST")
        if document["status"] in (429, 503):
            self.set_header("Retry-After", "1")
        self.finish(json.dumps(document, ensure_ascii=False))

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Log defects; errors of requests are answers."""
        if not isinstance(error, O2Error):
            super().log_exception(kind, error, trace)


class Unauthorized(tornado.web.HTTPError):
    """The request has no valid token."""

    def __init__(self) -> None:
        super().__init__(401, "sign in first: POST /api/v1/session gives a token")


class TooManyRequests(tornado.web.HTTPError):
    """The client has sent more requests than it may."""

    def __init__(self) -> None:
        super().__init__(429, "too many requests: wait a second")


class OnlyPost(tornado.web.HTTPError):
    """A request that changes something was sent with GET."""

    def __init__(self, verb: str) -> None:
        super().__init__(405, f"{verb} changes something: send it with POST")


class UnknownPath(Handler):
    """All paths that are not in the table."""

    def prepare(self) -> None:
        """Refuse the request."""
        raise tornado.web.HTTPError(404, "there is nothing at this address: see /api/v1/openapi.json")


def _plain_problem(status: int, title: str, detail: str, instance: str) -> dict[str, Any]:
    kind = {401: "Unauthorized", 404: "UnknownNameError", 405: "MethodNotAllowed", 429: "TooManyRequests"}
    name = kind.get(status, "InvalidRequestError" if status < 500 else "O2Error")
    return {
        "type": f"urn:salt-o2:error:{name}",
        "title": title,
        "status": status,
        "detail": detail or title,
        "kind": name,
        "instance": instance,
    }


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")
