#!/usr/bin/env python3
"""Check the lock files for this environment, then look for known vulnerabilities of what they pin.

    .venv/bin/python .ci/audit.py                     check the lock files alone; needs no network
    .venv/bin/python .ci/audit.py path/to/pip-audit   ask pip-audit, too

The exit code is 1 if a lock file is incomplete or a pinned version has a known vulnerability. Vulnerability
data that cannot be reached is reported in a line that begins with `*** NOT AUDITED`, and does not change the
exit code.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-build.lock")
"""All that is installed, and before it what source distributions are built with."""
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One pinned distribution of a lock file."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def version(self) -> str:
        """The pinned version; empty if the requirement has another form than ``name==version``."""
        only = [*self.requirement.specifier]
        return only[0].version if len(only) == 1 and only[0].operator == "==" else ""

    @property
    def applies(self) -> bool:
        """Whether this Python on this system installs it."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def read_lock(text: str) -> dict[str, Pin]:
    """Return the pins of a lock file by canonical name.

    Raises:
        ValueError: if a line is neither a requirement nor a hash, or a name comes twice.
    """
    pins: dict[str, Pin] = {}
    lines = re.sub(r"\\\n", " ", text).splitlines()
    for line in filter(None, (line.partition("#")[0].strip() for line in lines)):
        words, _, hashes = line.partition(" --")
        try:
            requirement = Requirement(words.strip())
        except InvalidRequirement as error:
            raise ValueError(f"{line[:80]!r} is no requirement: {error}") from error
        name = canonicalize_name(requirement.name)
        if name in pins:
            raise ValueError(f"{name} is pinned twice")
        pins[name] = Pin(requirement, tuple(HASH.findall("--" + hashes)))
    return pins


def unverifiable(pins: dict[str, Pin]) -> Iterator[str]:
    """Yield what pip would refuse with --require-hashes."""
    for name, pin in pins.items():
        if not pin.version:
            yield f"{name} is not pinned to one version: {pin.requirement}"
        if not pin.hashes:
            yield f"{name} has no hash"


def missing(wanted: list[str], pins: dict[str, Pin]) -> Iterator[str]:
    """Yield what ``wanted`` needs here, directly or not, and has no pin or one of a wrong version."""
    asked: set[tuple[str, str]] = set()
    waiting = [(Requirement(each), "pyproject.toml") for each in wanted]
    while waiting:
        requirement, source = waiting.pop()
        name = canonicalize_name(requirement.name)
        pin = pins.get(name)
        if pin is None:
            yield f"{source} needs {requirement}, which is not pinned"
            continue
        if pin.version and not requirement.specifier.contains(pin.version, prereleases=True):
            yield f"{source} needs {requirement}, and {pin.version} is pinned"
        for extra in {"", *requirement.extras}:
            if (name, extra) not in asked:
                asked.add((name, extra))
                waiting += [(each, name) for each in requirements_of(name, extra)]


def requirements_of(name: str, extra: str) -> list[Requirement]:
    """Return what a distribution needs here, alone or for an extra; nothing if it is not installed."""
    try:
        listed = [Requirement(each) for each in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:
        return []
    return [each for each in listed if each.marker is None or each.marker.evaluate({"extra": extra})]


def different(pins: dict[str, Pin]) -> Iterator[str]:
    """Yield what is installed here in another version than the pinned one, or not at all."""
    for name, pin in pins.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "nothing"
        if pin.applies and found != pin.version:
            yield f"{name} {pin.version} is pinned, {found} is installed"


def check(root: Path = ROOT) -> list[str]:
    """Return what is wrong with the lock files of ``root``, for this Python and what is installed in it."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    build = project["dependency-groups"]["build"] + project["build-system"]["requires"]
    every = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"]
    wrong: list[str] = []
    for lock, wanted in zip(LOCKS, (every, build), strict=True):
        pins = read_lock((root / lock).read_text())
        wrong += [f"{lock}: {each}" for each in (*unverifiable(pins), *missing(wanted, pins))]
    return wrong


def compare(root: Path = ROOT) -> list[str]:
    """Return where this environment differs from the lock file of ``root``; it may replace build tools."""
    return [f"{LOCKS[0]}: {each}" for each in different(read_lock((root / LOCKS[0]).read_text()))]


def ask(pip_audit: str, lock: Path) -> tuple[list[str], str]:
    """Return the known vulnerabilities of what ``lock`` pins, and what could not be looked up."""
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    command = [pip_audit, *options, "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        looked_at = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        last = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return [], f"pip-audit failed with exit code {done.returncode}: {last}"
    known = [
        f"{each['name']} {each['version']} has {fault['id']}, fixed in "
        + (", ".join(fault["fix_versions"]) or "no version")
        for each in looked_at
        for fault in each.get("vulns", ())
    ]
    skipped = [each["name"] for each in looked_at if "skip_reason" in each]
    if not skipped:
        return known, ""
    names = "all of them" if len(skipped) == len(looked_at) else ", ".join(skipped)
    without = f"of {len(looked_at)} packages {len(skipped)} have no vulnerability data that can be reached"
    return known, f"{without}: {names}"


def main(arguments: list[str]) -> int:
    """Check the lock files; with the path of pip-audit ask it as well."""
    wrong = [*check(), *compare()]
    for each in wrong:
        print(f"*** {each}")
    if not wrong:
        print("the lock files are complete, and each package in them has hashes")
    for pip_audit in arguments:
        for lock in LOCKS:
            known, unknown = ask(pip_audit, ROOT / lock)
            wrong += known
            for each in known:
                print(f"*** {lock}: {each}")
            if unknown:
                print(f"*** NOT AUDITED, {lock}: {unknown}")
            elif not known:
                print(f"{lock}: no known vulnerability")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
