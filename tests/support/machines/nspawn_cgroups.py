"""A control group of its own for each nspawn host.

Unregistered hosts run in the control group of their starter, all in the same: their systemds would then
count one another's processes as their own and fail to stop them. Groups are made in each hierarchy that
systemd uses: one on a machine with version 2 alone, ``systemd`` and ``unified`` on one that has both.
"""

import os
from pathlib import Path

from tests.support.waiting import wait_until

CGROUPS = Path("/sys/fs/cgroup")


def make(name: str) -> list[Path]:
    """Make the groups of a host; return one directory per hierarchy."""
    both = [CGROUPS / "systemd", CGROUPS / "unified"]
    groups = [each / name for each in (CGROUPS, *both) if (each / "cgroup.procs").exists()]
    for group in groups:
        group.mkdir(exist_ok=True)
    return groups


def enter(groups: list[Path]) -> str:
    """Return a shell command by which a shell enters the groups, with all that it starts from then on."""
    return "".join(f"echo $$ > {group}/cgroup.procs; " for group in groups)


def remove(groups: list[Path]) -> None:
    """Take the groups of a host that has ended away, with all that its systemd made below."""
    for group in groups:
        wait_until(lambda top=group: _removed(top), f"{group} is empty")


def _removed(top: Path) -> bool:
    try:
        for folder, _below, _files in os.walk(top, topdown=False):
            Path(folder).rmdir()
    except OSError:  # A process is still leaving.
        return False
    return not top.exists()
