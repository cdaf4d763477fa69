"""Tokens of sessions at HTTP interfaces, one for each server, in a file that only its owner can read."""

import json
import os
from pathlib import Path

from salt_o2.core.errors import InvalidRequestError


def sessions_file() -> Path:
    """Return the file: below ``XDG_CONFIG_HOME``, or ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "salt-o2" / "sessions.json"


def token_of(server: str) -> str:
    """Return the token for ``server``: ``O2_TOKEN``, or the saved one; empty if there is none."""
    return os.environ.get("O2_TOKEN") or _read().get(server, "")


def save_token(server: str, token: str) -> None:
    """Save ``token`` for ``server``; an empty one removes the saved one.

    Raises:
        InvalidRequestError: if the file cannot be written.
    """
    tokens = {**_read(), server: token}
    file = sessions_file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w"
        ) as out:
            json.dump({name: each for name, each in tokens.items() if each}, out)
        fresh.replace(file)
    except OSError as error:
        raise InvalidRequestError(f"the session cannot be saved: {error}. Set O2_TOKEN instead") from error


def _read() -> dict[str, str]:
    try:
        found = json.loads(sessions_file().read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(each) for name, each in found.items()} if isinstance(found, dict) else {}
