"""A vagrant box for lxc, made of the same minimal Debian as the nspawn hosts; and the bridge that it needs.

Its user vagrant lets Vagrant's well-known key in, as boxes do: Vagrant replaces it at the first boot.
"""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.machines import nspawn as nspawn_hosts

PROGRAMS = {"vagrant": "vagrant", "lxc-start": "lxc", "ip": "iproute2", "mmdebstrap": "mmdebstrap"}
GEMS = Path("/usr/share/rubygems-integration/all/gems")
BRIDGE, NETWORK = "o2lxc0", "10.231.78"
LXC_CONFIG = """lxc.include = /usr/share/lxc/config/common.conf
lxc.arch = amd64
lxc.apparmor.profile = unconfined
lxc.mount.auto = proc:rw sys:rw cgroup:rw
"""
LINK = "[Match]\nName=eth0\n[Link]\nUnmanaged=yes\n"
"""The container's address is lxc's business."""


def missing() -> str:
    """Return why a box cannot be made or run here, or nothing."""
    if os.geteuid() != 0:
        return "only root can start lxc containers with a bridge"
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if not list(GEMS.glob("vagrant-lxc-*")):
        lacking.append("vagrant-lxc")
    return f"install Debian's {', '.join(lacking)}" if lacking else ""


def make_box(build: Path) -> Path:
    """Return the box, made at most once."""
    box = build / "o2.box"
    if not box.exists():
        root = nspawn_hosts.root_file_system(build)
        home = build / "box"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        nspawn_hosts.run("cp", "--archive", str(root), str(home / "rootfs"))  # devices as devices
        _install_base(home / "rootfs")
        nspawn_hosts.run(
            "tar", "-C", str(home), "--numeric-owner", "-czf", str(home / "rootfs.tar.gz"), "./rootfs"
        )
        (home / "metadata.json").write_text(json.dumps({"provider": "lxc", "version": "1.0.0"}))
        (home / "lxc-config").write_text(LXC_CONFIG)
        with tarfile.open(box, "w") as archive:
            for name in ("metadata.json", "lxc-config", "rootfs.tar.gz"):
                archive.add(home / name, arcname=name)
        shutil.rmtree(home)
    return box


def _install_base(root: Path) -> None:
    """Make of a minimal system one that Vagrant can enter."""
    keys = root / "home/vagrant/.ssh/authorized_keys"
    keys.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(next(GEMS.glob("vagrant-[0-9]*")) / "keys/vagrant.pub", keys)
    keys.chmod(0o600)
    nspawn_hosts.run("chroot", str(root), "chown", "-R", "vagrant:", "/home/vagrant/.ssh")
    (root / "etc/sudoers.d/vagrant").write_text("vagrant ALL=(ALL) NOPASSWD: ALL\n")
    (root / "etc/systemd/network").mkdir(parents=True, exist_ok=True)
    (root / "etc/systemd/network/10-eth0.network").write_text(LINK)
    nspawn_hosts.run("chroot", str(root), "systemctl", "enable", "ssh.service", "systemd-networkd.service")


@contextmanager
def bridge() -> Iterator[None]:
    """A bridge for the containers, with this machine as .1; gone afterwards."""
    nspawn_hosts.run("ip", "link", "add", BRIDGE, "type", "bridge")
    try:
        nspawn_hosts.run("ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        nspawn_hosts.run("ip", "link", "set", BRIDGE, "up")
        yield
    finally:
        nspawn_hosts.run("ip", "link", "delete", BRIDGE)


def vagrant(
    folder: Path, environ: dict[str, str], *words: str, timeout_s: float = 3000, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run vagrant in ``folder``; it does not look for a newer version on the network."""
    done = subprocess.run(
        ["vagrant", *words],
        cwd=folder,
        env={**os.environ, "VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_DEFAULT_PROVIDER": "lxc", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert not check or done.returncode == 0, f"vagrant {words}: {done.stdout}\n{done.stderr}"
    return done
