"""Admission of a minion's key by the master: delete it and accept it again, as `salt-key` does."""

import getpass
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from salt_o2.cluster.paths import Layout

ACCEPTED, PENDING = "minions", "minions_pre"
"""Key directories of the master."""
SETTLES_S, LOOK_S = 0.5, 0.05
"""How long a worker of the master may still answer an earlier sign-in, and how often to look."""
ROTATE = ".dfn"
"""File that makes the master sign in all minions anew (`salt/crypt.py`, `dropfile`)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Admission of ``minion`` by the master of the cluster at ``place``, whose id is ``master``."""

    place: Layout
    minion: str
    master: str

    def refuse(self) -> None:
        """Delete the minion's key, and make the master sign in all minions anew."""
        self._key(ACCEPTED).rename(self._aside)
        self._rotate()

    def accept(self) -> None:
        """Accept the minion's key again. Do nothing if it is accepted.

        A worker of the master that serves a sign-in at this moment has seen no key, and replaces the accepted
        key by a pending one. So the key is accepted again until it stays.
        """
        if not self._aside.exists():
            return
        self._aside.rename(self._key(ACCEPTED))
        self._key(PENDING).unlink(missing_ok=True)
        deadline = time.monotonic() + SETTLES_S
        while time.monotonic() < deadline:
            time.sleep(LOOK_S)
            if self._key(PENDING).exists():
                self._key(PENDING).replace(self._key(ACCEPTED))

    @property
    def _aside(self) -> Path:
        return self.place.keys("master") / f"deleted-{self.minion}"

    def _key(self, folder: str) -> Path:
        return self.place.keys("master") / folder / self.minion

    def _rotate(self) -> None:
        """Write the file as Salt requires it: with the master's id, readable for the master's user only."""
        drop = self.place.home("master") / "cache" / ROTATE
        fresh = drop.with_name(f"{ROTATE}-fresh")
        fresh.write_text(self.master)
        fresh.chmod(0o400)
        shutil.chown(fresh, getpass.getuser())
        fresh.replace(drop)
