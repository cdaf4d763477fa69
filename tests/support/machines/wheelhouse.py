"""What a bare host needs to install Salt and Salt O² without a network: wheels in one directory."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NOT_FOR_HOSTS = ("pytest", "hypothesis", "mypy", "ruff", "types-", "coverage")


def project_wheel(folder: Path, version: str = "") -> Path:
    """Build the working tree, without what git ignores, as a wheel into ``folder``; return it.

    Its version is the fallback of a source outside git, or ``version``.
    """
    source = copy_source(folder / "source")
    pip("wheel", "--no-deps", "-w", str(folder), str(source), version=version)
    shutil.rmtree(source)
    return next(folder.glob("salt_o2-*.whl"))


def copy_source(source: Path) -> Path:
    """Copy the working tree without what git ignores, the tests and git's own, to ``source``; return it."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    return source


def wheelhouse(build: Path) -> Path:
    """Return a directory with wheels of all that the lock file names, made once, and of the project."""
    folder = build / "wheelhouse"
    lock = "".join((ROOT / name).read_text() for name in ("requirements.lock", "requirements-build.lock"))
    made = folder / "requirements.lock"
    if not made.exists() or made.read_text() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        wanted = build / "requirements-of-hosts.txt"
        wanted.write_text(for_hosts((ROOT / "requirements.lock").read_text()))
        verified = ("--require-hashes", "--no-build-isolation")  # the lock's build tools are installed here
        pip("wheel", "-w", str(folder), *verified, "--requirement", str(wanted))
        pip("wheel", "-w", str(folder), "--require-hashes", "-r", str(ROOT / "requirements-build.lock"))
        pip("wheel", "-w", str(folder), "pip")
        made.write_text(lock)
    for old in folder.glob("salt_o2-*"):
        old.unlink()
    project_wheel(folder)
    return folder


def for_hosts(lock: str) -> str:
    """Return a lock file without what only developers need."""
    pins = re.findall(r"^\w.*\n(?:    .*\n)+", lock, re.MULTILINE)
    return "".join(pin for pin in pins if not pin.startswith(NOT_FOR_HOSTS))


def pip(*words: str, version: str = "") -> None:
    """Run pip; say what it said if it fails."""
    environ = os.environ | ({"SETUPTOOLS_SCM_PRETEND_VERSION": version} if version else {})
    command = [sys.executable, "-m", "pip", "-q", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
