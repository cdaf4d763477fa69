"""Find control's socket.

The first of: ``--control``; ``O2_CONTROL``; the master configuration in ``SALT_CONFIG_DIR``; the private
cluster in ``./.cluster``; the master configuration in /etc/salt; Salt's default.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salt_o2.client import salt_paths
from salt_o2.core.errors import InvalidRequestError

SOCKET_NAME = "o2_control.ipc"
DEFAULT_SOCK_DIR = Path("/var/run/salt/master")
DEFAULT_CONFIG_DIR = Path("/etc/salt")
CLUSTER = Path(".cluster")


def control_socket(given: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of control's socket. Control need not be listening on it."""
    if given:
        return given
    if environ.get("O2_CONTROL"):
        return Path(environ["O2_CONTROL"])
    if environ.get("SALT_CONFIG_DIR"):
        return sock_dir(Path(environ["SALT_CONFIG_DIR"])) / SOCKET_NAME
    return _of_cluster() or sock_dir(DEFAULT_CONFIG_DIR) / SOCKET_NAME


def _of_cluster() -> Path | None:
    if not CLUSTER.is_dir():
        return None
    from salt_o2.cluster import state_file
    from salt_o2.cluster.paths import layout

    place = layout(CLUSTER)
    if not state_file.is_own(place):  # a folder such as /tmp may have the cluster of another account
        return None
    found = state_file.read(place)
    return found.control_socket if found else None


def sock_dir(config_dir: Path) -> Path:
    """Return the ``sock_dir`` of the master configured in ``config_dir``, below its ``root_dir``.

    If several files set one of them, the last file wins.
    """
    options: dict[str, Any] = {}
    for path in (config_dir / "master", *sorted((config_dir / "master.d").glob("*.conf"))):
        options |= _options(path, ("sock_dir", "root_dir"))
    return salt_paths.sock_dir(options, DEFAULT_SOCK_DIR)


def _options(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return {}
    if not any(name in text for name in names):
        return {}
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidRequestError(f"{path} is not YAML: {error}") from error
    return {name: found[name] for name in names if name in found} if isinstance(found, dict) else {}
