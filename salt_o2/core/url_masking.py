"""URLs for people: without the passwords in them."""

import re
from typing import Any

_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")


def without_password(text: str) -> str:
    """Return ``text`` with ``***`` for the password of each URL in it."""
    return _PASSWORD.sub(r"\1:***@", text)


def without_passwords(value: Any) -> Any:
    """Return plain data with ``***`` for the passwords of all URLs in it."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, dict):
        return {name: without_passwords(entry) for name, entry in value.items()}
    return [without_passwords(entry) for entry in value] if isinstance(value, list | tuple) else value
