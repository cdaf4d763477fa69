"""Result of a drill: its rounds, and a summary of one or more drills."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from salt_o2.cluster.faults.invariants import INVARIANTS
from salt_o2.cluster.faults.schedule import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Result of one round."""

    number: int
    faults: tuple[Fault, ...]
    seconds: float
    """Time from the end of the faults to full recovery."""
    fresh_s: float = 0.0
    """Time from then until every host had reported again, so that all facts were confirmed."""
    broken: tuple[str, ...] = ()
    skipped: tuple[Fault, ...] = ()
    """Faults of the round that could not be injected as drawn."""

    @property
    def carried_out(self) -> tuple[Fault, ...]:
        """Faults of the round that were injected."""
        return tuple(fault for fault in self.faults if fault not in self.skipped)


@dataclass(slots=True, kw_only=True)
class Drill:
    """Result of a drill."""

    seed: int
    environment: str
    rounds: list[Round] = field(default_factory=list)
    strangers: int = 0
    """Total number of unrelated processes that ran beside the drill."""

    @property
    def broken(self) -> tuple[str, ...]:
        """Invariants that the last round broke."""
        return self.rounds[-1].broken if self.rounds else ()

    @property
    def faults(self) -> int:
        """Number of injected faults."""
        return sum(len(each.carried_out) for each in self.rounds)

    @property
    def replay(self) -> str:
        """Command that repeats the drill."""
        return f"coconut drill --seed {self.seed} --rounds {len(self.rounds)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        return {
            "seed": self.seed,
            "environment": self.environment,
            "rounds": [_plain(each) for each in self.rounds],
            "strangers": self.strangers,
            "broken": list(self.broken),
            "replay": self.replay,
        }


def _plain(each: Round) -> dict[str, Any]:
    return {
        "faults": [str(fault) for fault in each.faults],
        "kinds": [fault.name for fault in each.carried_out],
        "skipped": [str(fault) for fault in each.skipped],
        "seconds": round(each.seconds, 2),
    }


def summary(drills: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return totals over ``drills``, each in the form of :meth:`Drill.as_dict`; times in seconds.

    For each kind of fault: their number, the number of rounds that had no other fault, the median recovery
    time of those, and the longest recovery time of any round with such a fault.
    """
    rounds = [each for drill in drills for each in drill["rounds"]]
    counts = Counter(kind for each in rounds for kind in each["kinds"])
    return {
        "rounds": len(rounds),
        "faults": counts.total(),
        "kinds": {kind: _kind(kind, count, rounds) for kind, count in sorted(counts.items())},
        "skipped": sum(len(each["skipped"]) for each in rounds),
        "strangers": sum(drill["strangers"] for drill in drills),
        "invariants": {invariant: len(rounds) for invariant in INVARIANTS},
        "broken": [violation for drill in drills for violation in drill["broken"]],
        "replays": [drill["replay"] for drill in drills if drill["broken"]],
    }


def _kind(kind: str, count: int, rounds: Iterable[dict[str, Any]]) -> dict[str, Any]:
    its_own = [each for each in rounds if kind in each["kinds"]]
    alone = [each["seconds"] for each in its_own if len(each["faults"]) == 1]
    return {
        "count": count,
        "alone": len(alone),
        "median_s": round(median(alone), 1) if alone else None,
        "longest_s": max(each["seconds"] for each in its_own),
    }


def as_text(sums: dict[str, Any]) -> str:
    """Return a summary as text."""
    return "\n".join(_lines(sums))


def _lines(sums: dict[str, Any]) -> Iterator[str]:
    unrelated = f"{sums['strangers']} unrelated processes beside them"
    yield f"{sums['faults']} faults in {sums['rounds']} rounds; {unrelated}"
    if sums["skipped"]:
        yield f"{sums['skipped']} more faults could not be injected as drawn"
    yield f"{'fault':<30}{'count':>6}{'alone':>6}{'median s':>10}{'longest s':>10}"
    for kind, its in sums["kinds"].items():
        usual = "" if its["median_s"] is None else f"{its['median_s']:.1f}"
        yield f"{kind:<30}{its['count']:>6}{its['alone']:>6}{usual:>10}{its['longest_s']:>10.1f}"
    yield f"invariants, each checked after {sums['rounds']} rounds:"
    yield from (f"  {invariant}" for invariant in sums["invariants"])
    if sums["broken"]:
        yield "broken:"
        yield from (f"  {violation}" for violation in sums["broken"])
        yield from (f"the same again: {replay}" for replay in sums["replays"])
    else:
        yield "no invariant was violated"
