"""Files that a user names on the command line."""

import stat
from pathlib import Path

from salt_o2.core.errors import InvalidRequestError

MOST_BYTES = 8 * 1024 * 1024
"""More than any payload or settings that control accepts."""


def text_of(path: Path) -> str:
    """Return the text of ``path``.

    Raises:
        InvalidRequestError: if it is not a regular file, too long, or not a text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidRequestError(f"{path} is not a regular file: copy its content to a regular file")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MOST_BYTES:
        raise InvalidRequestError(f"{path} has more than {MOST_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{path} is not text in UTF-8: {error}") from error
