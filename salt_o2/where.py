"""Where the package's own folders lie: states, reactor, pillar, examples.

python -m salt_o2.where states/o2
"""

import sys
from importlib import import_module
from pathlib import Path


def packaged(path: str) -> Path:
    """Return where ``path``, of which the first part is a data folder of the package, lies on this machine.

    Raises:
        ModuleNotFoundError: if the package has no such folder.
    """
    folder, _, rest = path.partition("/")
    return Path(next(iter(import_module(f"salt_o2.{folder}").__path__))) / rest


if __name__ == "__main__":
    print(packaged(sys.argv[1]))
