"""Remove passwords and tokens from URLs that users see."""

import re
from typing import Any

HIDDEN = "***"
_PORT = r"\d*(?![^/?#\s,;'\")\]])"
_USER_AND_PASSWORD = re.compile(
    # Up to the last @ before the path, as curl and SQLAlchemy read it.
    r"(?<=://)([^/?#@:\s]*):([^/?#\s'\"]*)@"
    # No port follows the colon: the password has a /, ? or # that is not escaped.
    rf"|(?<=://)([^/?#@:\s]*):(?!{_PORT})([^\s'\"]*)@"
)
_TOKEN_ALONE = re.compile(r"(?<=https://)[^/?#:\s'\"]+@|(?<=http://)[^/?#:\s'\"]+@")
"""Git servers accept a token in the place of the user."""
_SECRETS = "pass|pwd|secret|token|key|auth|credential|signature|odbc_connect"
# The name is read to its end first, and no part of it twice: hosts choose these texts, and their length.
_IN_A_QUERY = re.compile(rf"(?i)([?&;](?=[\w.-]*+=[^&\s'\"])[\w.-]*?(?:{_SECRETS})[\w.-]*+=)[^&\s'\"]++")
_NO_PASSWORDS = ("x-oauth-basic",)
"""Placeholders for a password beside a token."""
_WITH_A_SPACE = re.compile(r"(?s)\A([a-z][a-z0-9+.-]*://[^/?#@:\s]*:)(?!\d*(?:[/?#]|\Z)).*\s.*@")
"""A value that is a URL as a whole: its password may have spaces."""
_MAY_HAVE_ONE = re.compile(
    r"(?<=')[^':]*+:[^'@]*+@[^']*+"
    r'|(?<=")[^":]*+:[^"@]*+@[^"]*+'
    r"|(?<![^\s'\"])[^\s'\":]*+:[^\s'\"@]*+@[^\s'\"]*+"
)
"""A quoted text, or a word from its beginning, with a colon before an ``@``.

The time is proportional to the length: each part ends at the first colon, or ``@``, and is read once.
"""


def without_password(text: str) -> str:
    """Return ``text`` with ``***`` for each password and each token in its URLs."""
    text = _USER_AND_PASSWORD.sub(_hidden, text)
    text = _TOKEN_ALONE.sub(f"{HIDDEN}@", text)
    return _IN_A_QUERY.sub(rf"\1{HIDDEN}", text)


def without_secrets(text: str) -> str:
    """Return ``text``, which repeats a user's misplaced input, without possible passwords.

    A quoted text or a word with a colon before an ``@`` is removed as a whole: it may be a malformed URL.
    """
    return _MAY_HAVE_ONE.sub(HIDDEN, _IN_A_QUERY.sub(rf"\1{HIDDEN}", text))


def without_passwords(value: Any) -> Any:
    """Return plain data with ``***`` for the passwords in all URLs, also in the keys of a mapping."""
    if isinstance(value, str):
        return _WITH_A_SPACE.sub(rf"\1{HIDDEN}@", without_password(value))
    if isinstance(value, dict):
        return {without_passwords(name): without_passwords(entry) for name, entry in value.items()}
    return [without_passwords(entry) for entry in value] if isinstance(value, list | tuple) else value


def _hidden(found: re.Match[str]) -> str:
    user, password = found.groups()[:2] if found[2] is not None else found.groups()[2:]
    return f"{HIDDEN}:{HIDDEN}@" if password in _NO_PASSWORDS else f"{user}:{HIDDEN}@"
