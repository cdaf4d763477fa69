"""Prints the returners of this Salt that a site does not use, as JSON; state o2.host switches them off.

python -m salt_o2.returners [USED...]

The caller of a function chooses its returner, and some returners write any file. Salt is not imported: only
the names of its files count, as in the loader (`disable_returners`).
"""

import json
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path


def unused(used: Iterable[str]) -> list[str]:
    """Return the names of all returners that this Salt brings, without those in ``used``."""
    found = find_spec("salt")
    folders = (
        [Path(place, "returners") for place in (found.submodule_search_locations or ())] if found else []
    )
    names = {path.stem for folder in folders for path in folder.glob("*.py")} - {"__init__"}
    return sorted(names - set(used))


if __name__ == "__main__":
    print(json.dumps(unused(sys.argv[1:])))
