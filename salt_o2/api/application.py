"""The composition root of the HTTP interface, and its process: run until SIGTERM."""

import asyncio
import getpass
import logging
import os
import signal
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tornado.httpserver
import tornado.netutil
import tornado.web

from salt_o2.api.access.rate_limits import RateLimit
from salt_o2.api.access.salt_sign_in import Authenticator
from salt_o2.api.access.session_store import SessionStore
from salt_o2.api.access.settings import ApiSettings
from salt_o2.api.handlers.base import Services, UnknownPath
from salt_o2.api.handlers.event_stream import EventsHandler
from salt_o2.api.handlers.session_handlers import SessionHandler, SignInLinkHandler, SignIns
from salt_o2.api.handlers.verb_handlers import OpenApiHandler, RequestHandler, VerbHandler
from salt_o2.api.requests.control_gateway import ControlGateway
from salt_o2.api.requests.running_requests import RunningRequests
from salt_o2.api.requests.site_feed import SiteFeed
from salt_o2.control.verb_arguments import VERB_ARGUMENTS

log = logging.getLogger(__name__)

CONTROL_SOCKET = "o2_control.ipc"
LINK_FILE = "o2_api.link"
"""File in ``sock_dir`` with the one-time sign-in link, which only its owner can read."""
MOST_BODY = 1024 * 1024
REQUESTS_PER_S, REQUEST_BURST = 50.0, 100.0
BODY_TIMEOUT_S, IDLE_TIMEOUT_S = 20.0, 60.0


def build(
    settings: ApiSettings, gateway: ControlGateway, sessions: Path, sign_ins: SignIns
) -> tuple[tornado.web.Application, SiteFeed]:
    """Return the application and the feed that it shows; the caller runs the feed."""
    feed = SiteFeed(gateway, "api", time.time)
    services = Services(
        settings=settings,
        sessions=SessionStore(sessions, time.time),
        requests=RunningRequests(gateway, time.monotonic),
        feed=feed,
        request_limit=RateLimit(REQUESTS_PER_S, REQUEST_BURST, time.monotonic),
    )
    base: dict[str, Any] = {"services": services}
    routes = [
        (r"/sign-in", SignInLinkHandler, {**base, "sign_ins": sign_ins}),
        (r"/api/v1/session", SessionHandler, {**base, "sign_ins": sign_ins}),
        (r"/api/v1/openapi\.json", OpenApiHandler, {**base, "verbs": VERB_ARGUMENTS}),
        (r"/api/v1/events", EventsHandler, base),
        (r"/api/v1/requests/([0-9a-f]{32})", RequestHandler, base),
        (r"/api/v1/([a-z_]{1,40})", VerbHandler, {**base, "verbs": VERB_ARGUMENTS}),
    ]
    application = tornado.web.Application(
        routes, default_handler_class=UnknownPath, default_handler_args=base, log_function=_log_request
    )
    return application, feed


def run(
    settings: ApiSettings, sock_dir: Path, state: Path, authenticator: Authenticator | None, eauth: str
) -> None:
    """Serve the HTTP interface until SIGTERM; ``state`` is the directory of its own files.

    Raises:
        OSError: if the address cannot be used, or the certificate cannot be read.
    """
    asyncio.run(_run(settings, sock_dir, state, authenticator, eauth))


async def _run(
    settings: ApiSettings, sock_dir: Path, state: Path, authenticator: Authenticator | None, eauth: str
) -> None:
    gateway = ControlGateway(sock_dir / CONTROL_SOCKET)
    per_minute = settings.sign_ins_per_minute
    sign_ins = SignIns(authenticator, eauth, RateLimit(per_minute / 60, max(1.0, per_minute), time.monotonic))
    application, feed = build(settings, gateway, state / "sessions.json", sign_ins)
    server = tornado.httpserver.HTTPServer(
        application,
        ssl_options=_tls(settings),
        max_body_size=MOST_BODY,
        body_timeout=BODY_TIMEOUT_S,
        idle_connection_timeout=IDLE_TIMEOUT_S,
        max_header_size=16 * 1024,
    )
    sockets = tornado.netutil.bind_sockets(settings.port, settings.address)
    server.add_sockets(sockets)
    url = f"{settings.scheme}://{settings.address}:{sockets[0].getsockname()[1]}"
    log.info("the HTTP interface is at %s", url)
    if settings.sign_in_link:
        file = sock_dir / LINK_FILE
        token = sign_ins.new_link(getpass.getuser(), lambda: file.unlink(missing_ok=True))
        _write_link(file, f"{url}/sign-in?link={token}")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    following = asyncio.ensure_future(feed.run())
    await asyncio.wait({following, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()
    gateway.close()
    if following.done():
        following.result()
    following.cancel()


def _tls(settings: ApiSettings) -> ssl.SSLContext | None:
    if not settings.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key or None)
    return context


def _write_link(path: Path, link: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(link + "\n")


def _log_request(handler: tornado.web.RequestHandler) -> None:
    log.debug("%s %s %d", handler.request.method, handler.request.path, handler.get_status())


def eauth_of(opts: Mapping[str, Any]) -> str:
    """Return the authentication module to use if a sign-in names none: the only one, else PAM."""
    configured = [name for name in opts.get("external_auth") or {} if not name.startswith("^")]
    return configured[0] if len(configured) == 1 else "pam"
