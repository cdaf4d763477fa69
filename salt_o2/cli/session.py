"""coconut session: sign in at the HTTP interface of a site, for commands with --server."""

import os
from datetime import datetime
from typing import Annotated, Any

import typer

from salt_o2.cli.ui.command_aliases import noun, verb
from salt_o2.cli.ui.terminal import Terminal
from salt_o2.core.errors import InvalidRequestError
from salt_o2.presentation.layout import block

app = noun("Sign in at the server of --server, without an account on the master.")


@verb(app, "login")
def login(
    ctx: typer.Context,
    username: Annotated[str, typer.Option("--username", "-u", help="Name at the site.")] = "",
    eauth: Annotated[str, typer.Option(help="Salt's authentication module.")] = "",
    link: Annotated[str, typer.Option(help="One-time sign-in link of a private cluster.")] = "",
) -> None:
    """Sign in and save the session.

    The password is asked for, or read from O2_PASSWORD.
    """
    from salt_o2.client.saved_sessions import save_token

    terminal: Terminal = ctx.obj
    given = {"link": link.rpartition("link=")[2]} if link else _by_password(username, eauth)
    with _client(terminal) as client:
        session = client.sign_in(**given)
        save_token(client.server, session.pop("token"))
    terminal.show(session, render_session)


@verb(app, "show")
def show(ctx: typer.Context) -> None:
    """Show user and role of the saved session."""
    with _client(ctx.obj) as client:
        ctx.obj.show(client.session(), render_session)


@verb(app, "logout")
def logout(ctx: typer.Context) -> None:
    """End the session and forget it."""
    from salt_o2.client.saved_sessions import save_token

    terminal: Terminal = ctx.obj
    with _client(terminal) as client:
        try:
            client.sign_out()
        finally:
            save_token(client.server, "")
    terminal.show({"server": client.server}, lambda ended: f"signed out of {ended['server']}")


def _by_password(username: str, eauth: str) -> dict[str, str]:
    name = username or typer.prompt("Username", err=True)
    password = os.environ.get("O2_PASSWORD") or typer.prompt("Password", hide_input=True, err=True)
    return {"username": name, "password": password, **({"eauth": eauth} if eauth else {})}


def _client(terminal: Terminal) -> Any:
    client = terminal.server_client()
    if client is None:
        raise InvalidRequestError("a session is at a server: give --server URL, or set O2_SERVER")
    return client


def render_session(session: dict[str, Any]) -> str:
    """Return a session as text."""
    until = datetime.fromtimestamp(session["expires"]).astimezone().isoformat(" ", "minutes")
    return block([("user", session["user"]), ("role", session["role"]), ("until", until)])
