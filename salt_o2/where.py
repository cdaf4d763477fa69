"""Folders of the package (states, reactor, pillar, examples), and folders of agent and control.

python -m salt_o2.where states/o2
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

STANDARD_KEYS = ("etc", "salt", "pki")
"""Below Salt's ``root_dir``: the default folder of the keys of master and minion."""


def packaged(path: str) -> Path:
    """Return where ``path``, of which the first part is a data folder of the package, lies on this machine.

    Raises:
        ModuleNotFoundError: if the package has no such folder.
    """
    folder, _, rest = path.partition("/")
    return Path(next(iter(import_module(f"salt_o2.{folder}").__path__))) / rest


def state_directory(options: Mapping[str, Any], part: Literal["agent", "api", "control"]) -> Path:
    """Return where ``part`` keeps what it must not lose, on a Salt of these ``options`` that names no place.

    It is ``var/lib/o2`` below the ``root_dir`` of a Salt that has its keys at the usual place below that.
    Else it is a folder beside the keys: a directory that Salt's user can write, that no other daemon has, and
    that is no cache. Salt's cache is not for this: ``saltutil.clear_cache`` empties it, with the files of
    running tasks.
    """
    keys = Path(options["pki_dir"])
    if keys.parts[-4:-1] == STANDARD_KEYS:
        return keys.parents[3] / "var" / "lib" / "o2" / part
    return keys.parent / f"{keys.name}-o2" / part


if __name__ == "__main__":
    print(packaged(sys.argv[1]))
