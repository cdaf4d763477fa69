"""``make bench``: times of all steps of N tasks, Salt O² beside a bare script, as tables with ratios.

Machines are noisy: compare the ratios, and the difference in steps of milliseconds.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
from pathlib import Path

from bench import modification, occ_script, planning, recovery, salt_cluster
from bench.timings import STEPS, Times
from salt_o2 import cluster
from salt_o2.client.agent_client import connect
from salt_o2.client.control_client import ControlClient
from salt_o2.cluster.lifecycle.salt_config import packaged
from salt_o2.presentation.layout import table

WORKFLOW = "fairmq-ex-1-n-1"


def main() -> None:
    """Run all measurements and print the tables."""
    options = _options()
    planning.main()
    prefix = os.environ.get("O2_FAIRMQ_PREFIX", "")
    kinds = {"Python devices": ""} | ({"FairMQ devices": prefix} if prefix else {})
    recovery.main(kinds)
    modification.main()
    for minions in options.minions:
        with tempfile.TemporaryDirectory(prefix="o2-bench-") as directory:
            cluster.up(directory, minions=minions, workers=3)
            try:
                for name, where in kinds.items():
                    _compare(Path(directory), minions, options, name, where)
                _print_memory(Path(directory))
            finally:
                cluster.down(directory)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[10, 50, 200], help="numbers of tasks")
    parser.add_argument("--minions", type=int, nargs="+", default=[1, 3], help="numbers of minions")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each; medians are shown")
    return parser.parse_args()


def _compare(directory: Path, minions: int, options: argparse.Namespace, name: str, prefix: str) -> None:
    socket = Path(cluster.status(directory)["control_socket"])
    for tasks in options.tasks:
        variables = {"processors": str(tasks - 2), "fairmq_prefix": prefix, "rate": "10"}
        plan = occ_script.plan_of(packaged("examples"), WORKFLOW, variables)
        ours, bares = [], []
        for _ in range(options.rounds):
            bares.append(asyncio.run(occ_script.measure(plan)))
            ours.append(salt_cluster.measure(socket, WORKFLOW, variables))
        _print(f"{tasks} {name}, {minions} minion{'s' if minions > 1 else ''}", ours, bares)


def _print(title: str, ours: list[Times], bares: list[Times]) -> None:
    rows = []
    for step in STEPS:
        salt = statistics.median(times.seconds[step] for times in ours)
        script = statistics.median(times.seconds[step] for times in bares)
        rows.append(
            (step, f"{salt:.3f}", f"{script:.3f}", f"{salt / script:.2f}", f"{(salt - script) * 1e3:+.0f}")
        )
    print(f"\n{title}, median of {len(ours)}")
    print(table(("STEP", "SALT O² (s)", "BARE SCRIPT (s)", "RATIO", "DIFFERENCE (ms)"), rows), flush=True)


def _print_memory(directory: Path) -> None:
    status = cluster.status(directory)
    with ControlClient(status["control_socket"]) as control:
        pids = {"control": control.request("info")["pid"]}
    for minion in status["minions"]:
        with connect(Path(status["control_socket"]).parent.parent / minion, 5.0) as agent:
            pids[f"agent {minion}"] = agent.info()["pid"]
    peaks = salt_cluster.peak_memory_mb(pids.values())
    print("\npeak memory of the engines, Salt's own modules included (MB)")
    print(
        table(("PROCESS", "PEAK RSS"), zip(pids, (f"{peak:.0f}" for peak in peaks), strict=True)), flush=True
    )


if __name__ == "__main__":
    main()
