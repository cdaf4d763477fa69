"""Does the simulator find each defect? Puts each into a copy of the project and counts simulations.

    python -m tests.support.simulation.find_simulated            all, 2,000 simulations each at most
    python -m tests.support.simulation.find_simulated --most 20 pid      those with the word, 20 at most
    python -m tests.support.simulation.find_simulated --directed --most 20      with chosen kinds of faults

Each line names a defect, after how many simulations an invariant was violated, and which. With ``NOT FOUND``
in a line the exit code is 1. Nothing outside a temporary folder is changed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.random_tests.find_again import ROOT, copy_to, put
from tests.support.simulation.simulated_defects import SIMULATED_DEFECTS, SimulatedDefect

MOST = 2000
MORE = ("--hosts", "4")
"""Few hosts, so that faults meet each other more often."""


def look_for(defect: SimulatedDefect, most: int, *, directed: bool = False) -> str:
    """Return after how many simulations ``defect`` is found, and how it shows.

    A violation counts if the unchanged project does not have it in the same simulation.
    """
    options = list(MORE)
    if directed:
        options += ["--only", defect.only, "--exactly", "15", "--minutes", "6"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        put(defect, folder)
        seed = 0
        while seed < most:
            done = simulations(folder, f"{seed}-{most - 1}", options)
            shown = next((line for line in done.stdout.splitlines() if "VIOLATED:" in line), "")
            if not shown:
                return "NOT FOUND" if done.returncode == 0 else f"NOT FOUND: {done.stderr.strip()[-200:]}"
            failed = next(line for line in done.stdout.splitlines() if line.startswith("seed "))
            seed = int(failed.split()[1].rstrip(":"))
            if simulations(ROOT, str(seed), options).returncode == 0:
                return f"{seed + 1} | {shown.partition('VIOLATED: ')[2]}"
            print(f"seed {seed} fails without a defect, too: {shown.strip()}", file=sys.stderr, flush=True)
            seed += 1
    return "NOT FOUND"


def simulations(folder: Path, seeds: str, options: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run simulations of the project in ``folder`` until one violates an invariant."""
    command = [sys.executable, "-m", "salt_o2.simulation", seeds, "--no-shrink", *options]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def main(words: list[str]) -> int:
    """Look for all defects that have one of ``words``; 1 if one was not found."""
    most, directed = MOST, words[:1] == ["--directed"]
    words = words[1:] if directed else words
    if words[:1] == ["--most"]:
        most, words = int(words[1]), words[2:]
    chosen = [each for each in SIMULATED_DEFECTS if not words or any(word in each.what for word in words)]
    print("| defect put in | found after | as |\n|---|---|---|")
    bad = 0
    for defect in chosen:
        try:
            found = look_for(defect, most, directed=directed)
        except LookupError as error:
            found = f"NOT FOUND: {error}"
        bad += "NOT FOUND" in found
        print(f"| {defect.what} | {found} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
