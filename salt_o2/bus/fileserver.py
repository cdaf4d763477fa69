"""Read templates from Salt's fileserver."""

from typing import Any

import salt.exceptions
import salt.fileclient

from salt_o2.core.errors import UnknownNameError


def read(opts: dict[str, Any], path: str, saltenv: str) -> dict[str, bytes]:
    """Return the YAML files below ``path`` in ``saltenv``, and those in ``jit``, by relative name.

    Raises:
        UnknownNameError: if the fileserver has no such path.
    """
    start = f"{path.strip('/')}/" if path.strip("/") else ""
    found: dict[str, bytes] = {}
    try:
        with salt.fileclient.FSClient(dict(opts)) as client:
            for name in client.file_list(saltenv, start):
                below = name.removeprefix(start)
                if name.startswith(start) and (below.endswith(".yaml") or below.startswith("jit/")):
                    cached = client.cache_file(f"salt://{name}", saltenv)
                    with open(cached, "rb") as stream:  # noqa: PTH123
                        found[below] = stream.read()
    except (salt.exceptions.SaltException, OSError) as error:
        raise UnknownNameError(
            f"Salt's fileserver cannot read salt://{path} in saltenv {saltenv}: {error}"
        ) from error
    if not found:
        raise UnknownNameError(f"Salt's fileserver has no templates at salt://{path} in saltenv {saltenv}")
    return found
