"""A drill: faults are inflicted on a running private cluster, and after each round the laws are checked."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from salt_o2.cluster import record
from salt_o2.cluster.faults import MASTER, MOST_KILLS, Fault, Kind, Part, rounds
from salt_o2.cluster.injury import Injury
from salt_o2.cluster.laws import Seen, broken, losses, may_lose_data
from salt_o2.cluster.layout import layout
from salt_o2.cluster.record import Record
from salt_o2.cluster.sight import look, try_to_look
from salt_o2.cluster.startup import up
from salt_o2.core.errors import InvalidRequest, UnknownName
from salt_o2.core.presence import SILENT_AFTER

Say = Callable[[str], None]

HEALED_WITHIN_S = 60.0
"""How long all may take to be well again after a round; generous, for small machines under load."""
LOOK_EVERY_S = 0.1
COUNTED_S = 2.5
"""Longer than two of a sink's reports are apart: what is lost is told in the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round as it went."""

    number: int
    faults: tuple[Fault, ...]
    seconds: float
    """From the end of its faults until all was well again."""
    fresh_s: float = 0.0
    """From there until every host had been heard since, so that all of it was known for sure."""
    broken: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Drill:
    """What came of a drill."""

    seed: int
    environment: str
    rounds: list[Round] = field(default_factory=list)

    @property
    def broken(self) -> tuple[str, ...]:
        """The laws that the last round broke."""
        return self.rounds[-1].broken if self.rounds else ()

    @property
    def replay(self) -> str:
        """The command that does the same again."""
        return f"coconut drill --seed {self.seed} --rounds {len(self.rounds)}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "seed": self.seed,
            "environment": self.environment,
            "rounds": [
                {"faults": [str(fault) for fault in each.faults], "seconds": round(each.seconds, 2)}
                for each in self.rounds
            ],
            "broken": list(self.broken),
            "replay": self.replay,
        }


def drill(
    directory: str | Path,
    environment: str = "",
    seed: int = 0,
    minutes: float = 1.0,
    most_rounds: int | None = None,
    most_kills: int = MOST_KILLS,
    say: Say = lambda _: None,
) -> Drill:
    """Let things go wrong for ``minutes``, or ``most_rounds`` rounds, or until a law is broken.

    Only tasks of ``environment`` are hit, which may be left out if there is one only; all others, and all
    that were not killed, must go on as if nothing had been.

    Raises:
        UnknownName: if there is no such environment.
        InvalidRequest: if it is not at rest, so that nothing can be said about it.
    """
    current = _started(directory)
    silent_s = SILENT_AFTER * current.heartbeat_s
    before = look(directory)
    chosen = _chosen(before, environment)
    done = Drill(seed=seed, environment=chosen)
    until = time.monotonic() + 60.0 * minutes
    drawn = rounds(seed, parts_of(before, chosen, current.namespaces), most_kills, silent_s)
    for number, faults in enumerate(islice(drawn, most_rounds), 1):
        if most_rounds is None and time.monotonic() >= until:
            break
        say(f"round {number}: {', '.join(map(str, faults))}")
        before, this = _round(Path(directory), before, number, faults, chosen)
        done.rounds.append(this)
        say(
            f"  well again after {this.seconds:.1f} s, sure after {this.fresh_s:.1f} s more"
            if not this.broken
            else _alarm(this)
        )
        if this.broken:
            break
    return done


def parts_of(seen: Seen, environment: str, links: bool = False) -> list[Part]:
    """Return all parts that may be hit: tasks of ``environment``, hosts that it uses, control and master.

    With ``links`` also the links of those hosts and of the master.
    """
    tasks = [task for task in seen.environments[environment].tasks.values() if task.takes_part and task.pid]
    hosts = sorted({task.host for task in tasks})
    return [
        *(Part(Kind.TASK, task.path) for task in tasks),
        *(Part(kind, host) for kind in (Kind.AGENT, Kind.MINION) for host in hosts),
        Part(Kind.CONTROL),
        Part(Kind.MASTER),
        *(Part(Kind.LINK, host) for host in (*hosts, MASTER) if links),
    ]


def _started(directory: str | Path) -> Record:
    """Return what was started in ``directory``."""
    current = record.read(layout(directory))
    if current is None:
        raise UnknownName(f"there is no cluster in {directory}")
    return current


def _chosen(seen: Seen, wanted: str) -> str:
    found = [id for id in seen.environments if id.startswith(wanted)]
    if len(found) != 1:
        there = ", ".join(seen.environments) or "none"
        raise UnknownName(f"which environment is to be drilled? There is {there}; name one")
    if seen.environments[found[0]].busy:
        raise InvalidRequest(f"environment {found[0]} is in a transition: wait for its end")
    return found[0]


def _round(
    directory: Path, before: Seen, number: int, faults: tuple[Fault, ...], drilled: str
) -> tuple[Seen, Round]:
    pids = {path: task.pid for path, task in before.environments[drilled].tasks.items() if task.pid}
    Injury(directory, pids).inflict(faults)
    begin = time.monotonic()
    if any(fault.part.kind in (Kind.MASTER, Kind.MINION) for fault in faults):
        up(directory)  # what systemd does for daemons on a site's hosts
    well_s = None
    for after in _sights(directory, begin + HEALED_WITHIN_S):
        elapsed_s = time.monotonic() - begin
        laws = [after] if isinstance(after, str) else broken(before, faults, after, drilled)
        if not isinstance(after, str) and not laws:
            well_s = elapsed_s if well_s is None else well_s
            laws = broken(before, faults, after, drilled, elapsed_s)
            if not laws:
                done = Round(number=number, faults=faults, seconds=well_s, fresh_s=elapsed_s - well_s)
                return _counted(directory, after) if may_lose_data(faults) else after, done
        else:
            well_s = None  # it only seemed so
    return before, Round(number=number, faults=faults, seconds=time.monotonic() - begin, broken=tuple(laws))


def _counted(directory: Path, seen: Seen) -> Seen:
    """Look until no sink counts further losses: those of this round must not be held against the next."""
    until = time.monotonic() + HEALED_WITHIN_S
    while time.monotonic() < until:
        time.sleep(COUNTED_S)
        last, now = seen, try_to_look(directory)
        seen = now if isinstance(now, Seen) else last
        if now is seen and losses(now) == losses(last):
            break
    return seen


def _sights(directory: Path, until: float) -> Iterator[Seen | str]:
    """Look again and again until time is up, at least once."""
    yield try_to_look(directory)
    while time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        yield try_to_look(directory)


def _alarm(current: Round) -> str:
    return "\n".join(["  broken:", *(f"    {law}" for law in current.broken)])


def times(drills: Sequence[Drill]) -> dict[str, list[float]]:
    """Return for each kind of fault the seconds until all was well again, of rounds with that fault alone."""
    found: dict[str, list[float]] = {}
    for each in (one for done in drills for one in done.rounds if len(one.faults) == 1):
        fault = each.faults[0]
        found.setdefault(f"{fault.action} {fault.part.kind}", []).append(each.seconds)
    return found
