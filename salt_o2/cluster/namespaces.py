"""Hosts of a private cluster as network namespaces: each has its own interfaces, addresses and ports.

                  o2-1a2b3c4d                 the switch: a bridge, and one port for each host
          ┌───────────┼───────────┐
        master       flp1        flp2         veth pairs; the other end is eth0 of its host
          │           │           │
    ...-master     ...-flp1    ...-flp2       namespaces of the hosts: 10.79.0.1, 10.79.0.11, ...

The hosts have no route to the machine or beyond it, so every cluster may use the same addresses. All names
follow from the cluster's directory, so leftovers of a crash are found and removed. Processes, files and the
unix sockets among them belong to the machine and are reachable from every host.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from salt_o2.core.errors import O2Error, UnreachableError

NAMED = Path("/run/netns")
"""Directory in which iproute2 stores the names of namespaces."""
MASTER = "master"
BRIDGE = "br0"
INSIDE = "eth0"
PREFIX_BITS = 16
PACKAGES = {
    "ip": "iproute2",
    "tc": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "nft": "nftables",
}
TOOLS = ("ip", "nsenter", "unshare")
"""Required for namespaces; ``tc`` and ``nft`` are needed for faults of links only."""


@dataclass(frozen=True, slots=True)
class Network:
    """The namespaces of the cluster in ``directory``. They need not exist yet."""

    directory: Path

    @property
    def name(self) -> str:
        """Name of the switch, and prefix of the hosts' names."""
        return f"o2-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]}"

    def of(self, host: str) -> str:
        """Return the name of a host's namespace."""
        return f"{self.name}-{host}"

    def entrance(self, host: str) -> list[str]:
        """Return the command prefix for a command that must run on ``host``."""
        return [tool("nsenter"), f"--net={NAMED / self.of(host)}", "--"]

    def on_switch(self, command: Sequence[str], given: str = "") -> None:
        """Run ``command`` in the namespace of the switch.

        Raises:
            O2Error: if the command fails; with its output.
        """
        run([tool("nsenter"), f"--net={NAMED / self.name}", "--", tool(command[0]), *command[1:]], given)

    def build(self, minions: Sequence[str]) -> None:
        """Ensure that the switch, the hosts and their links exist; existing ones are not changed.

        Raises:
            O2Error: if one cannot be created.
        """
        if not self._is_there(self.name):
            ip("netns", "add", self.name)
        if not _has_link(self.name, BRIDGE):
            ip("-n", self.name, "link", "add", BRIDGE, "type", "bridge")
        ip("-n", self.name, "link", "set", "dev", BRIDGE, "up")
        for host in (MASTER, *minions):
            self._connect(host, address(minions, host))

    def add_host(self, host: str, its_address: str) -> None:
        """Ensure that one more host exists at ``its_address``, with a link to the switch."""
        self._connect(host, its_address)

    def remove_host(self, host: str) -> None:
        """Remove a host with its link. Do nothing if the host does not exist."""
        if self._is_there(self.of(host)):
            ip("netns", "delete", self.of(host))

    def remove(self) -> list[str]:
        """Remove all namespaces of this cluster; return their names."""
        found = self.names()
        for name in found:
            ip("netns", "delete", name)
        return found

    def names(self) -> list[str]:
        """Return the names of the existing namespaces, the switch first."""
        if not NAMED.is_dir():
            return []
        return sorted(each.name for each in NAMED.iterdir() if self._is_ours(each.name))

    def _is_ours(self, name: str) -> bool:
        return name == self.name or name.startswith(f"{self.name}-")

    def _is_there(self, name: str) -> bool:
        return name in self.names()

    def _connect(self, host: str, its_address: str) -> None:
        own = self.of(host)
        if not self._is_there(own):
            ip("netns", "add", own)
        if not _has_link(own, INSIDE):
            ip("-n", own, "link", "add", INSIDE, "type", "veth", "peer", "name", host, "netns", self.name)
        ip("-n", own, "address", "replace", f"{its_address}/{PREFIX_BITS}", "dev", INSIDE)
        for device in ("lo", INSIDE):
            ip("-n", own, "link", "set", "dev", device, "up")
        ip("-n", self.name, "link", "set", "dev", host, "master", BRIDGE, "up")


def address(minions: Sequence[str], host: str) -> str:
    """Return the address of ``host``: the master or one of ``minions``."""
    number = 1 if host == MASTER else 11 + list(minions).index(host)
    return f"10.79.{number // 256}.{number % 256}"


def clone_address(number: int) -> str:
    """Return an address that no host of a cluster has, for a clone of the minion with this index."""
    return f"10.79.255.{1 + number}"


def require_namespaces() -> None:
    """Ensure that namespaces are available.

    Raises:
        UnreachableError: if not, with the reason.
    """
    if reason := obstacle():
        raise UnreachableError(f"no network namespaces here: {reason}; a cluster without them needs none")


def obstacle() -> str:
    """Return why namespaces are not available, in words; empty if they are."""
    if missing := [tool for tool in TOOLS if not where(tool)]:
        return f"{missing[0]} cannot be found: install {PACKAGES[missing[0]]} (as Debian calls it)"
    if os.geteuid() != 0:
        return "only root can create them"
    trial = f"o2-trial-{os.getpid()}"
    try:
        ip("netns", "add", trial)
        ip("netns", "delete", trial)
    except O2Error as error:
        return str(error)
    return ""


def ip(*words: str) -> str:
    """Run ``ip`` and return its output.

    Raises:
        O2Error: if it fails; with its output.
    """
    return run([tool("ip"), *words])


def run(command: Sequence[str], given: str = "") -> str:
    """Run ``command`` with ``given`` as its input, and return its output.

    Raises:
        O2Error: if it fails; with its output.
    """
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stderr or done.stdout).strip()
        raise O2Error(f"`{' '.join(command)}` failed with {done.returncode}: {output}")
    return done.stdout


def _has_link(namespace: str, name: str) -> bool:
    links = ip("-n", namespace, "-brief", "link", "show").splitlines()
    return any(line.split()[0].partition("@")[0] == name for line in links if line)


def tool(name: str) -> str:
    """Return the path of a network tool.

    Raises:
        UnreachableError: if it is not installed; with the packages that contain it.
    """
    found = where(name)
    if found is None:
        raise UnreachableError(f"{name} cannot be found: install {PACKAGES[name]} (as Debian calls it)")
    return found


def where(name: str) -> str | None:
    """Return the path of a program, also from directories of administrators."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
