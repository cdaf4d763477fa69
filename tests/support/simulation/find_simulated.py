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

from tests.support.random_tests.find_again import copy_to, put
from tests.support.simulation.simulated_defects import SIMULATED_DEFECTS, SimulatedDefect

MOST = 2000
MORE = ("--hosts", "4")
"""Few hosts, so that faults meet each other more often."""


def look_for(defect: SimulatedDefect, most: int, first: int = 0, *, directed: bool = False) -> str:
    """Return after how many simulations ``defect`` is found, and how it shows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_to(folder)
        put(defect, folder)
        seeds = f"{first}-{first + most - 1}"
        command = [sys.executable, "-m", "salt_o2.simulation", seeds, "--no-shrink", *MORE]
        command += ["--only", defect.only] if directed else []
        command += ["--exactly", "15", "--minutes", "5"] if directed else []
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    shown = next((line for line in done.stdout.splitlines() if "VIOLATED:" in line), "")
    if not shown:
        return "NOT FOUND" if done.returncode == 0 else f"NOT FOUND: {done.stderr.strip()[-200:]}"
    seed = next(line for line in done.stdout.splitlines() if line.startswith("seed ")).split()[1].rstrip(":")
    return f"{int(seed) - first + 1} | {shown.partition('VIOLATED: ')[2]}"


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
