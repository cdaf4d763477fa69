"""Run simulations: ``python -m salt_o2.simulation 0-99``. The docs page "Simulation" explains the output."""

import argparse
import sys
import time
from collections import Counter
from dataclasses import replace

from salt_o2.simulation.scenario import FaultKind, Scenario, draw_scenario
from salt_o2.simulation.shrinking import shrink
from salt_o2.simulation.simulation import Outcome, simulate


def main(words: list[str] | None = None) -> int:
    """Run the simulations that the command line names; return 1 if an invariant was violated."""
    asked = _parser().parse_args(words)
    begun, total = time.monotonic(), _Total()
    for seed in _seeds(asked.seeds):
        scenario = _draw(seed, asked)
        if asked.faults is not None:
            numbers = [int(each) for each in asked.faults.split(",") if each]
            scenario = replace(scenario, faults=tuple(scenario.faults[number] for number in numbers))
        if asked.users:
            scenario = replace(scenario, users=asked.users)
        outcome = simulate(scenario)
        total.add(outcome)
        if asked.log:
            sys.stdout.write(outcome.text)
        if outcome.broken:
            total.failed.append(seed)
            _explain(outcome, asked)
            if not asked.keep_going:
                break
        if asked.hours and time.monotonic() - begun > 3600 * asked.hours:
            break
    print(total.text(time.monotonic() - begun))
    return 1 if total.failed or not total.created else 0


class _Total:
    """What all simulations had together."""

    def __init__(self) -> None:
        self.runs = self.checks = self.requests = self.created = self.turns = 0
        self.simulated_s = 0.0
        self.faults: Counter[str] = Counter()
        self.pairs: set[tuple[str, str]] = set()
        self.failed: list[int] = []

    def add(self, outcome: Outcome) -> None:
        """Add one simulation."""
        self.runs += 1
        self.checks += outcome.checks
        self.requests += outcome.requests
        self.created += outcome.created
        self.turns += outcome.turns
        self.simulated_s += outcome.simulated_s
        self.faults.update(str(fault.kind) for fault in outcome.scenario.faults)
        self.pairs |= outcome.pairs

    def text(self, took_s: float) -> str:
        """Return the summary."""
        lines = [
            f"{self.runs} simulations, {self.simulated_s / 3600:.1f} simulated hours in {took_s:.0f} s",
            f"{self.requests} requests of users, {self.created} environments, "
            f"{sum(self.faults.values())} faults, "
            f"{self.checks} checks of all invariants, {len(self.pairs)} pairs (fault, transition)",
            *(f"  {count:6d}  {kind}" for kind, count in sorted(self.faults.items())),
        ]
        if self.failed:
            lines.append(f"INVARIANTS VIOLATED in seeds {', '.join(map(str, self.failed))}")
        elif not self.created:
            lines.append("no environment could be created: this shows nothing")
        else:
            lines.append("all invariants held")
        return "\n".join(lines)


def _explain(outcome: Outcome, asked: argparse.Namespace) -> None:
    """Print the shortest scenario that fails in the same way, and how to replay it."""
    seed = outcome.scenario.seed
    print(f"seed {seed}: an invariant is violated")
    drawn = _draw(seed, asked).faults
    scenario = outcome.scenario
    if not asked.no_shrink:
        kind = _kind(outcome)
        scenario = shrink(scenario, lambda smaller: _kind(simulate(smaller)) == kind)
        outcome = simulate(scenario)
    for line in outcome.trace[-asked.lines :] if asked.no_shrink else outcome.trace:
        print(f"  {line}")
    for violation in outcome.broken:
        print(f"  VIOLATED: {violation}")
    print(f"replay: {_replay(scenario, drawn, asked)}", flush=True)


def _draw(seed: int, asked: argparse.Namespace) -> Scenario:
    only = [FaultKind(name.strip()) for name in asked.only.split(",")] if asked.only else []
    return draw_scenario(seed, asked.hosts, asked.minutes, only, asked.exactly)


def _kind(outcome: Outcome) -> str:
    """Return the first violation without names and numbers: what a smaller scenario must violate, too."""
    words = outcome.broken[0].split() if outcome.broken else []
    return " ".join(word for word in words if word.isalpha() and word.islower())


def _replay(scenario: Scenario, drawn: tuple[object, ...], asked: argparse.Namespace) -> str:
    drawn_by = f" --only '{asked.only}'" if asked.only else ""
    drawn_by += f" --exactly {asked.exactly}" if asked.exactly is not None else ""
    numbers = ",".join(str(drawn.index(fault)) for fault in scenario.faults)
    return (
        f"python -m salt_o2.simulation {scenario.seed} --hosts {asked.hosts} --minutes {asked.minutes:g} "
        f"--users {scenario.users} --faults '{numbers}'{drawn_by} --log"
    )


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m salt_o2.simulation", description="simulate clusters")
    parser.add_argument("seeds", help="one seed, or the first and the last: 0-99")
    parser.add_argument("--hosts", type=int, default=10, help="hosts of each cluster")
    parser.add_argument("--minutes", type=float, default=10.0, help="simulated minutes of each simulation")
    parser.add_argument("--hours", type=float, default=0.0, help="stop after this real time")
    parser.add_argument("--faults", help="only these faults of the scenario, by number: 0,3")
    parser.add_argument("--only", default="", help="draw only these kinds of faults: 'agent away,disk full'")
    parser.add_argument("--exactly", type=int, help="draw this number of faults")
    parser.add_argument("--users", type=int, default=0, help="number of users instead of the drawn one")
    parser.add_argument("--log", action="store_true", help="print all that happens")
    parser.add_argument("--lines", type=int, default=40, help="last lines to print without --no-shrink")
    parser.add_argument("--no-shrink", action="store_true", help="do not reduce a scenario that fails")
    parser.add_argument("--keep-going", action="store_true", help="continue after a violation")
    return parser


if __name__ == "__main__":
    sys.exit(main())
