"""Prints the master's options for the roles that pillar gives; state o2.master puts them into a file.

python -m salt_o2.access < JSON of {"access": {...}, "eauth": "pam", "peers": {...}}
"""

import json
import sys

import yaml

from salt_o2.core.access import auth_options, peer_options
from salt_o2.core.errors import InvalidRequestError


class _Plain(yaml.SafeDumper):
    """Writes everything out: lists that are the same would come as references."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the base class's signature
        """Return that nothing is ever a reference."""
        return True


def main() -> None:
    """Read what pillar says from stdin, and print the options; exit with a word if there is no such role."""
    try:
        given = json.load(sys.stdin)
        options = auth_options(given.get("access", {}), given.get("eauth", "")) | peer_options(
            given.get("peers", {})
        )
    except InvalidRequestError as error:
        sys.exit(f"pillar o2:access or o2:peers: {error}")
    print(yaml.dump(options, Dumper=_Plain, default_flow_style=False), end="")


if __name__ == "__main__":
    main()
