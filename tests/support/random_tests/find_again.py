"""Does each random test find a known defect again? Puts each defect into a copy of the project and counts.

    .venv/bin/python -m tests.support.random_tests.find_again            all
    .venv/bin/python -m tests.support.random_tests.find_again presence   those whose test's name has the word

Each line names a test, a defect that was once in the code or could easily be, and after how many examples the
test fails at the most, over three runs with different seeds and as many examples as `make test` runs. With
`NOT FOUND` in a line the exit code is 1: the test then needs more examples, or better ones. Nothing outside a
temporary folder is changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.random_tests.known_defects import DEFECTS, Defect

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the runs of one test with one defect."""

    after: tuple[int, ...]
    """The examples until it was found, in each run that found it."""
    missed: int
    """Runs that did not find it."""

    def __str__(self) -> str:
        """Say it in a cell of a table."""
        if self.missed:
            return f"NOT FOUND in {self.missed} of {self.missed + len(self.after)} runs"
        return str(max(self.after))


def copy_to(folder: Path) -> None:
    """Copy what git knows of the project to ``folder``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def put(defect: Defect, folder: Path) -> None:
    """Put ``defect`` into the copy in ``folder``.

    Raises:
        LookupError: the code has changed since the defect was written down.
    """
    for file, sound, broken in defect.changes:
        path = folder / file
        text = path.read_text()
        if text.count(sound) != 1:
            raise LookupError(f"{file} has {text.count(sound)} times: {sound!r}")
        path.write_text(text.replace(sound, broken))


def run(defect: Defect, folder: Path) -> Found:
    """Run the test in ``folder``, with each seed; return after how many examples it found the defect."""
    counted = folder / "counted"
    environment = {**os.environ, "O2_COUNTED": str(counted), "PYTHONPATH": str(folder)}
    plugins = ["-p", "tests.support.random_tests.counting", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-q", "-x", *plugins, defect.test]
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    lines = [line.split() for line in counted.read_text().splitlines()] if counted.exists() else []
    if not lines:
        raise LookupError(f"{defect.test} did not run")
    if defect.seeded:
        count = sum(int(count) for *_, count, _ in lines)
        return Found((count,), 0) if lines[-1][-1] == "found" else Found((), 1)
    after = tuple(int(count) for *_, count, outcome in lines if outcome == "found")
    return Found(after, len(lines) - len(after))


def look_for(defect: Defect) -> Found:
    """Return after how many examples the test of ``defect`` finds it."""
    with tempfile.TemporaryDirectory() as folder:
        copy_to(Path(folder))
        put(defect, Path(folder))
        return run(defect, Path(folder))


def main(words: list[str]) -> int:
    """Look for all defects whose test has one of ``words`` in its name; 1 if one was not found."""
    chosen = [each for each in DEFECTS if not words or any(word in each.test for word in words)]
    print("| test | defect put back | found after |\n|---|---|---|")
    bad = 0
    for defect in chosen:
        try:
            found: Found | str = look_for(defect)
        except LookupError as error:
            found = f"NOT FOUND: {error}"
        bad += "NOT FOUND" in str(found)
        print(f"| {defect.name} | {defect.what} | {found} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
