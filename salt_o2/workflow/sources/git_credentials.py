"""Pass user and password of a repository's URL to git.

Each account of the machine can read the command line of a process. git writes the URL of a repository on
the command lines of its own programs too. So git gets a URL without user and password, and asks a
credential helper for both. The helper reads them from its environment, which only its account can read.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from salt_o2.core.errors import UnknownNameError

_URL = re.compile(r"(?P<scheme>https?|ssh)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:@\[\]]*)(:\d*)?")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
_HELPER = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$O2_GIT_USER" "$O2_GIT_PASSWORD"; }; f'
)


_NOTHING: Mapping[str, str] = {}


class Remote(NamedTuple):
    """A repository in the form for git."""

    url: str
    """The part of the URL that may stand on a command line."""
    options: tuple[str, ...] = ()
    """Options of git that name the helper; they contain no secret."""
    environment: Mapping[str, str] = _NOTHING
    """User and password, which git has in its environment for the helper."""


def remote(url: str) -> Remote:
    """Return ``url`` without user and password, and how git gets both.

    The user of an ssh URL stays: ssh needs it on its command line and takes no password from a URL.

    Raises:
        UnknownNameError: if it is not clear where the password ends, or it has control characters.
    """
    found = _URL.fullmatch(url)
    if found is None:
        return Remote(url)
    userinfo, _, host = found["authority"].rpartition("@")
    if not _HOST.fullmatch(host):
        raise UnknownNameError(
            "the URL of a repository has no port after its host, or a / in its user or password."
            " Write %2F for a /, %40 for an @ and %3A for a : in it"
        )
    user, _, password = userinfo.partition(":")
    if found["scheme"] == "ssh":
        return Remote(f"ssh://{f'{user}@' if user else ''}{host}{found['rest']}")
    if not userinfo:
        return Remote(url)
    server = f"{found['scheme']}://{host}"
    given = {"O2_GIT_USER": unquote(user), "O2_GIT_PASSWORD": unquote(password)}
    if _UNSAFE.search("".join(given.values())):
        raise UnknownNameError(f"user or password of a repository at {server} has control characters")
    return Remote(server + found["rest"], ("-c", f"credential.{server}.helper={_HELPER}"), given)
