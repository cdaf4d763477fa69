"""Sign in and out: ``/api/v1/session``, and the one-time link of a private cluster, ``/sign-in``."""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from typing import Any

import tornado.web

from salt_o2.api.access.callers import audit
from salt_o2.api.access.rate_limits import RateLimit
from salt_o2.api.access.salt_sign_in import Authenticator, signed_in_role
from salt_o2.api.access.session_store import Session
from salt_o2.api.handlers.base import COOKIE, Handler, Services, TooManyRequests
from salt_o2.core.access_roles import AccessRole
from salt_o2.core.errors import InvalidRequestError


class SignIns:
    """The ways to sign in, for all handlers."""

    def __init__(self, authenticator: Authenticator | None, eauth: str, limit: RateLimit) -> None:
        """Sign in by Salt's ``authenticator`` with the module ``eauth``, as often as ``limit`` permits."""
        self._authenticator, self._eauth = authenticator, eauth
        self.limit = limit
        self._link_token, self._link_user = "", ""
        self._link_used: Callable[[], None] = lambda: None

    def new_link(self, user: str, used: Callable[[], None]) -> str:
        """Return the token of a new one-time link for ``user``; call ``used`` when it is used.

        An earlier link is not valid any more.
        """
        self._link_token, self._link_user, self._link_used = secrets.token_urlsafe(32), user, used
        return self._link_token

    def use_link(self, token: str) -> str | None:
        """Return the user of the link with ``token``, once; ``None`` if it is not valid."""
        if not self._link_token or not hmac.compare_digest(token.encode(), self._link_token.encode()):
            return None
        self._link_token = ""
        self._link_used()
        return self._link_user

    async def role(self, username: str, password: str, eauth: str) -> AccessRole | None:
        """Return the role of a user with the right password; else ``None``."""
        if self._authenticator is None:
            raise InvalidRequestError("this site has no external_auth: passwords are not accepted")
        return await asyncio.to_thread(
            signed_in_role, self._authenticator, eauth or self._eauth, username, password
        )


class SessionHandler(Handler):
    """``POST`` signs in, ``GET`` shows the session, ``DELETE`` ends it."""

    sign_ins: SignIns

    def initialize(self, services: Services, sign_ins: SignIns | None = None) -> None:
        """Sign in by ``sign_ins``."""
        super().initialize(services)
        if sign_ins is not None:
            self.sign_ins = sign_ins

    async def post(self) -> None:
        """Return a token for a user name and a password, or for the token of a one-time link."""
        address = self.request.remote_ip or ""
        if not self.sign_ins.limit.is_permitted(address):
            raise TooManyRequests
        given = self.body()
        user, role = await self._identified(given)
        if role is None:
            audit.warning("sign-in of %.60r from %s refused", user, address)
            raise tornado.web.HTTPError(401, "wrong user name or password, or no role at this site")
        audit.info("%r signed in from %s as %s", user, address, role)
        token, session = self._open(user, role)
        self.answer({"token": token, **_described(session)}, 201)

    async def _identified(self, given: dict[str, Any]) -> tuple[str, AccessRole | None]:
        """Return the user name that the request gives, and the role, if the user has proved the name."""
        if "link" in given:
            user = self.sign_ins.use_link(_text(given, "link"))
            return user or "a one-time link", AccessRole.ADMINISTRATOR if user else None
        user = _text(given, "username")
        eauth = _text(given, "eauth") if "eauth" in given else ""
        return user, await self.sign_ins.role(user, _text(given, "password"), eauth)

    def _open(self, user: str, role: AccessRole) -> tuple[str, Session]:
        seconds = self.services.settings.session_hours * 3600
        return self.services.sessions.open(user, role, seconds)

    def get(self) -> None:
        """Show user, role and end of the session."""
        self.caller()
        session = self.services.sessions.find(self.token()[0])
        self.answer(_described(session) if session else {})

    def delete(self) -> None:
        """End the session."""
        caller = self.caller()
        self.services.sessions.end(self.token()[0])
        audit.info("%r signed out", caller.name)
        self.clear_cookie(COOKIE, path="/")
        self.set_status(204)
        self.finish()


class SignInLinkHandler(SessionHandler):
    """``GET /sign-in?link=TOKEN``: sign in a browser by the one-time link of a private cluster."""

    def get(self) -> None:
        """Give the browser the cookie of a session, and show the session."""
        if not self.sign_ins.limit.is_permitted(self.request.remote_ip or ""):
            raise TooManyRequests
        user = self.sign_ins.use_link(self.get_query_argument("link", ""))
        if user is None:
            raise tornado.web.HTTPError(
                401, "the link is not valid any more: coconut cluster up gives a new one"
            )
        audit.info("%r signed in by a one-time link", user)
        token, session = self._open(user, AccessRole.ADMINISTRATOR)
        secure = self.services.settings.scheme == "https"
        self.set_cookie(COOKIE, token, path="/", httponly=True, secure=secure, samesite="Lax")
        self.answer(_described(session))


def _described(session: Session) -> dict[str, Any]:
    return {"user": session.name, "role": session.role, "expires": session.expires}


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value or len(value) > 1000:
        raise InvalidRequestError(f"{name} must be a text of 1 to 1000 characters")
    return value
