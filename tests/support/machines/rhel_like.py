"""A system of RHEL's kind for nspawn hosts, made of Debian's packages alone.

RHEL's packages are not to be had everywhere, but Debian has its tools: rpm with a database, dnf, createrepo
and firewalld, of the versions of RHEL 9 or nearly so. So a Debian is made, some of its packages are handed
over to rpm under RHEL's names, and what is Debian's alone (apt, dpkg) is taken away:

    Debian's files --rpmbuild--> RPMs --createrepo--> a repository on the host
        installed from the start      the release (what system this is), util-linux
        by dnf only                   iproute, procps-ng, python3.11: not installed until a state needs them

What it cannot show: SELinux, RHEL's own builds of these programs, its Python 3.9 and its default services.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.machines import nspawn as nspawn_hosts

PACKAGES = f"{nspawn_hosts.PACKAGES},dnf,rpm,createrepo-c,firewalld,netbase,passwd,libpam-modules"
RELEASE = "9.4"
OS_RELEASE = f"""NAME="AlmaLinux"
VERSION="{RELEASE}"
ID="almalinux"
ID_LIKE="rhel centos fedora"
VERSION_ID="{RELEASE}"
PLATFORM_ID="platform:el9"
PRETTY_NAME="AlmaLinux {RELEASE}, in the parts that tests need"
CPE_NAME="cpe:/o:almalinux:almalinux:9::baseos"
"""
SPEC = """Name: {name}
Version: {version}
Release: 1.el9
Summary: Files of a Debian system under the name that RHEL has for them
License: Files say theirs
AutoReqProv: no
{provides}
%define debug_package %{{nil}}
%define __os_install_post %{{nil}}
%define _build_id_links none
%description
Made for tests.
%install
tar -C / -cf - -T {listing} | tar -C %{{buildroot}} -xf -
%files -f {listing}
"""
FOLDER = "/srv/repositories/9/BaseOS"
REPOSITORY = """[baseos]
name=RPMs that the tests made
baseurl=file:///srv/repositories/$releasever/BaseOS
gpgcheck=0
"""


@dataclass(frozen=True)
class Rpm:
    """An RPM, and the Debian packages whose files it has."""

    name: str
    version: str
    debian: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()


OF_THE_SYSTEM = (
    Rpm(
        "almalinux-release",
        RELEASE,
        files=("/usr/lib/os-release", "/etc/almalinux-release", "/etc/redhat-release"),
        provides=(f"system-release = {RELEASE}", "system-release(releasever) = 9"),
    ),
    Rpm("util-linux", "2.37.4", debian=("util-linux", "util-linux-extra")),
)
ON_OFFER = (
    Rpm("iproute", "6.2.0", debian=("iproute2",)),
    Rpm("procps-ng", "3.3.17", debian=("procps",)),
    # The system's own Python is Debian's; like RHEL's 3.9 it is not enough: it cannot make environments.
    Rpm("python3.11", "3.11.7", debian=("python3.11-venv", "python3-pip-whl", "python3-setuptools-whl")),
)


def root_file_system(build: Path) -> Path:
    """Return a directory with a system of RHEL's kind, made at most once."""
    root = build / "rhel-like"
    if not (root / "made").exists():
        nspawn_hosts.make_debian(root, PACKAGES)
        _name_the_system(root)
        _give_ownership(root)
        _install(root, OF_THE_SYSTEM)
        for path in [path for rpm in ON_OFFER for path in _files(root, rpm)]:
            _remove(root / path.lstrip("/"))
        _forget_debian(root)
        (root / "made").touch()
    return root


def _give_ownership(root: Path) -> None:
    """Make a repository of RPMs out of what Debian's packages brought."""
    repository = root / FOLDER.lstrip("/")
    repository.mkdir(parents=True)
    for rpm in (*OF_THE_SYSTEM, *ON_OFFER):
        _build(root, rpm, repository)
    _inside(root, "createrepo_c", "--quiet", FOLDER)
    (root / "etc/yum.repos.d").mkdir()
    (root / "etc/yum.repos.d/baseos.repo").write_text(REPOSITORY)


def _install(root: Path, rpms: tuple[Rpm, ...]) -> None:
    """Tell rpm's database of RPMs whose files are there."""
    (root / "etc/rpm").mkdir()
    (root / "etc/rpm/macros.database").write_text("%_dbpath /var/lib/rpm\n")
    names = " ".join(f"{FOLDER}/{rpm.name}-{rpm.version}-*.rpm" for rpm in rpms)
    _inside(root, "sh", "-c", f"rpm -i --justdb {names}")


def _inside(root: Path, *words: str) -> str:
    return nspawn_hosts.run("chroot", str(root), "env", "HOME=/root", *words).stdout


def _name_the_system(root: Path) -> None:
    (root / "usr/lib/os-release").write_text(OS_RELEASE)
    (root / "etc/almalinux-release").write_text(f"AlmaLinux release {RELEASE}\n")
    (root / "etc/redhat-release").symlink_to("almalinux-release")
    (root / "etc/debian_version").unlink()


def _files(root: Path, rpm: Rpm) -> list[str]:
    """Return the files of an RPM where they lie; Debian lists some by the way of a link, such as /bin."""
    listed = list(rpm.files)
    if rpm.debian:
        listed += _inside(root, "dpkg", "-L", *rpm.debian).splitlines()
    found = set()
    for name in filter(None, listed):
        path = root / name.lstrip("/")
        if not path.is_dir() and (path.is_symlink() or path.is_file()):
            found.add(f"/{path.parent.resolve().relative_to(root.resolve())}/{path.name}")
    return sorted(found)


def _build(root: Path, rpm: Rpm, repository: Path) -> None:
    listing = f"/tmp/{rpm.name}.files"
    (root / listing.lstrip("/")).write_text("".join(f"{path}\n" for path in _files(root, rpm)))
    provides = "".join(f"Provides: {each}\n" for each in rpm.provides)
    spec = SPEC.format(name=rpm.name, version=rpm.version, provides=provides, listing=listing)
    (root / "tmp/one.spec").write_text(spec)
    _inside(root, "rpmbuild", "-bb", "--quiet", "--define", "_topdir /tmp/rpmbuild", "/tmp/one.spec")
    for made in (root / "tmp/rpmbuild/RPMS").glob("*/*.rpm"):
        shutil.move(made, repository / made.name)


def _remove(path: Path) -> None:
    """Remove a file with its bytecode, and its folder with the last one: Python imports empty folders."""
    path.unlink()
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()
    for folder in (path.parent / "__pycache__", path.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _forget_debian(root: Path) -> None:
    """Take the tools and the knowledge of Debian's packages away, so that no script uses them by accident."""
    for folder in ("var/lib/dpkg", "tmp/rpmbuild", "etc/apt", "var/lib/apt"):
        shutil.rmtree(root / folder, ignore_errors=True)
    for tool in (root / "usr/bin").glob("dpkg*"):
        tool.unlink()
    for tool in (root / "usr/bin").glob("apt*"):
        tool.unlink()
