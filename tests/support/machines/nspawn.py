"""Real systemd hosts on this machine: systemd-nspawn over one root file system, each with its own network.

It takes root, Debian's mmdebstrap, systemd-container and iproute2, and a minute for the first root file
system, which is kept under build/ for the next time.
"""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.machines import nspawn_cgroups as host_cgroups

PROGRAMS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "ip": "iproute2"}
"""What must be there, and the Debian package that brings it."""

PACKAGES = (
    "systemd,systemd-sysv,dbus,iproute2,openssh-server,sudo,python3,python3-venv,nftables,procps,kmod,"
    "ca-certificates,util-linux"
)


def missing() -> str:
    """Return why such hosts cannot be had here, or nothing."""
    if os.geteuid() != 0:
        return "only root can start systemd-nspawn hosts"
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    return f"install Debian's {', '.join(lacking)}" if lacking else ""


def root_file_system(build: Path) -> Path:
    """Return a directory with a minimal Debian, made at most once."""
    root = build / "rootfs"
    if not (root / "made").exists():
        make_debian(root, PACKAGES)
        (root / "made").touch()
    return root


def make_debian(root: Path, packages: str) -> None:
    """Make a minimal Debian with some packages, comma separated, and user vagrant; nothing of it listens."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    run("mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm", f"{root}")
    for unit in ("ssh.service", "systemd-networkd.service", "systemd-resolved.service"):
        (root / "etc/systemd/system/multi-user.target.wants" / unit).unlink(missing_ok=True)
    run("chroot", f"{root}", "useradd", "--create-home", "--shell", "/bin/bash", "vagrant")


def run(*words: str, timeout_s: float = 600, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; say all that it said if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


@dataclass
class Host:
    """One host that has booted."""

    name: str
    address: str
    nspawn: "subprocess.Popen[bytes]"
    init: int
    """The pid of its systemd, seen from outside."""
    groups: list[Path]
    """Its control groups."""

    def run(
        self, command: str, timeout_s: float = 300, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell command line on the host, as root."""
        inside = ("nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        shell = ("env", "-i", path, "HOME=/root", "LANG=C.UTF-8", "sh", "-c", command)
        return run(*inside, *shell, timeout_s=timeout_s, check=check)


@dataclass
class Hosts:
    """Several hosts in one network; a context manager that leaves nothing behind."""

    directory: Path
    root: Path
    names: tuple[str, ...]
    binds: dict[Path, str] = field(default_factory=dict)
    """Directories of this machine that the hosts see, read only, and where."""
    network: str = "10.231.77"
    hosts: dict[str, Host] = field(default_factory=dict)

    def __enter__(self) -> "Hosts":
        """Lay the network and boot all hosts."""
        try:
            self._lay_network()
            for number, name in enumerate(self.names):
                self.hosts[name] = self._boot(name, f"{self.network}.{number + 10}")
            for host in self.hosts.values():
                self._await_boot(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        """End all hosts and take the network away."""
        for host in self.hosts.values():
            host.nspawn.terminate()
        for host in self.hosts.values():
            try:
                host.nspawn.wait(15)
            except subprocess.TimeoutExpired:
                host.nspawn.kill()
                host.nspawn.wait()
            host_cgroups.remove(host.groups)
        for name in self.names:
            run("umount", str(self.directory / name / "root"), check=False)
            run("ip", "netns", "del", self._space(name), check=False)
        run("ip", "netns", "del", self._space("switch"), check=False)

    def _space(self, name: str) -> str:
        return f"o2-{self.directory.name}-{name}"

    def _lay_network(self) -> None:
        switch = self._space("switch")
        run("ip", "netns", "add", switch)
        run("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "br0", "up")
        for number, name in enumerate(self.names):
            space, port = self._space(name), f"port{number}"
            run("ip", "netns", "add", space)
            run("ip", "-n", space, "link", "add", "host0", "type", "veth", "peer", port, "netns", switch)
            run("ip", "-n", switch, "link", "set", port, "master", "br0", "up")
            run("ip", "-n", space, "address", "add", f"{self.network}.{number + 10}/24", "dev", "host0")
            for link in ("lo", "host0"):
                run("ip", "-n", space, "link", "set", link, "up")

    def _boot(self, name: str, address: str) -> Host:
        home = self.directory / name
        for folder in ("upper", "work", "root"):
            (home / folder).mkdir(parents=True)
        layers = f"lowerdir={self.root},upperdir={home / 'upper'},workdir={home / 'work'}"
        run("mount", "-t", "overlay", "-o", layers, "overlay", str(home / "root"))
        lines = [f"{self.network}.{number + 10} {each}\n" for number, each in enumerate(self.names)]
        (home / "root/etc/hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
        (home / "root/etc/hostname").write_text(f"{name}\n")
        words = ["systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--console=read-only"]
        words += [f"--directory={home / 'root'}", f"--hostname={name}", "--resolv-conf=off"]
        words += [f"--network-namespace-path=/run/netns/{self._space(name)}", "--capability=CAP_NET_ADMIN"]
        words += [f"--bind-ro={here}:{there}" for here, there in self.binds.items()]
        groups = host_cgroups.make(self._space(name))
        with (home / "console").open("wb") as console:
            process = subprocess.Popen(
                ("sh", "-c", f'{host_cgroups.enter(groups)}exec "$@"', "sh", *words),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Host(name, address, process, 0, groups)

    def _await_boot(self, host: Host, patience_s: float = 60) -> None:
        until = time.monotonic() + patience_s
        console = self.directory / host.name / "console"
        while time.monotonic() < until:
            assert host.nspawn.poll() is None, f"{host.name} did not boot: {console.read_text()[-2000:]}"
            children = Path(f"/proc/{host.nspawn.pid}/task/{host.nspawn.pid}/children").read_text().split()
            if children:
                host.init = int(children[-1])
                state = host.run("systemctl is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.2)
        raise AssertionError(f"{host.name} does not come up: {console.read_text()[-2000:]}")
