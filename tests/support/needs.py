"""What some tests need of the machine: skipped where it is missing, with the reason.

`@pytest.mark.root("mount a disk")` is for what only root may do, `@pytest.mark.needs("nft")` for programs.
"""

import os

from salt_o2.cluster.namespaces import where

PACKAGES = {
    "dot": "graphviz",
    "ip": "iproute2",
    "linux.uml": "user-mode-linux",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "tc": "iproute2",
    "unshare": "util-linux",
}
"""Debian's package of each program. The script .ci/packages installs them."""


def missing(item) -> str:
    """Return what the test ``item`` needs and this machine or user has not, in words; empty if it has all."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if where(program) is None:
                return f"{program} is not installed (Debian's package {PACKAGES[program]})"
    marks = list(item.iter_markers("root"))
    return f"only root may {marks[0].args[0]}" if marks and os.geteuid() != 0 else ""
