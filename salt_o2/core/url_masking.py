"""URLs for people: without the passwords in them."""

import re
from typing import Any

HIDDEN = "***"
_USER_AND_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):([^/@\s]*)@")
_TOKEN_ALONE = re.compile(r"(?<=https://)[^/@:\s]+@|(?<=http://)[^/@:\s]+@")
"""Servers of git take a token in the place of the user."""
_SECRETS = "password|passwd|pwd|secret|token|odbc_connect"
_IN_A_QUERY = re.compile(rf"(?i)([?&;][\w.-]*(?:{_SECRETS})[\w.-]*=)[^&\s'\"]+")
_NO_PASSWORDS = ("x-oauth-basic",)
"""What stands in the place of a password beside a token."""
_MAY_HAVE_ONE = re.compile(
    r"(?<=')[^']*:[^']*@[^']*"
    r'|(?<=")[^"]*:[^"]*@[^"]*'
    r"|[^\s'\"]*:[^\s'\"]*@[^\s'\"]*"
)
"""A quoted text, or a word, with a colon before an ``@``."""


def without_password(text: str) -> str:
    """Return ``text`` with ``***`` for each password and each token in the URLs in it."""
    text = _USER_AND_PASSWORD.sub(_hidden, text)
    text = _TOKEN_ALONE.sub(f"{HIDDEN}@", text)
    return _IN_A_QUERY.sub(rf"\1{HIDDEN}", text)


def without_secrets(text: str) -> str:
    """Return ``text``, which shows what a user wrote in a wrong place, without what may be a password.

    A quoted text or a word with a colon before an ``@`` is left out as a whole: it may be a URL with a fault.
    """
    return _MAY_HAVE_ONE.sub(HIDDEN, _IN_A_QUERY.sub(rf"\1{HIDDEN}", text))


def without_passwords(value: Any) -> Any:
    """Return plain data with ``***`` for the passwords of all URLs in it, also in the names of a mapping."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, dict):
        return {without_passwords(name): without_passwords(entry) for name, entry in value.items()}
    return [without_passwords(entry) for entry in value] if isinstance(value, list | tuple) else value


def _hidden(found: re.Match[str]) -> str:
    user, password = found.groups()
    return f"{HIDDEN}:{HIDDEN}@" if password in _NO_PASSWORDS else f"{user}:{HIDDEN}@"
