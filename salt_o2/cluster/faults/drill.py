"""Drill: inject faults into a running private cluster and check the invariants after each round."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from salt_o2.cluster import state_file
from salt_o2.cluster.faults.injection import FaultInjector
from salt_o2.cluster.faults.invariants import Observation, broken, losses, may_lose_data
from salt_o2.cluster.faults.observation import look, try_to_look
from salt_o2.cluster.faults.outcome import Drill, Round
from salt_o2.cluster.faults.schedule import MASTER, MOST_KILLS, Action, Bounds, Fault, Kind, Part, Way, rounds
from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses, may_choose_pids
from salt_o2.cluster.lifecycle.start import up
from salt_o2.cluster.namespaces import where
from salt_o2.cluster.paths import layout
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.ids import resolve_prefix, some
from salt_o2.core.recovery.host_liveness import SILENT_AFTER

Say = Callable[[str], None]

HEALED_WITHIN_S = 60.0
"""Time limit for full recovery after a round, in seconds. Generous, for small machines under load."""
LOOK_EVERY_S = 0.1
COUNTED_S = 2.5
"""Longer than the interval of two reports of a sink: the second one shows all losses."""
STARTED_AGAIN = (Kind.MASTER, Kind.MINION, Kind.HOST)
"""A fault of these kinds may end a daemon. On the hosts of a site, systemd would restart it."""
BY_NFT = (Action.MUTE, Action.DEAFEN, Action.SILENCE, Action.LOSE)
BY_TC = (Action.THROTTLE,)


def drill(
    directory: str | Path,
    environment: str = "",
    seed: int = 0,
    minutes: float = 1.0,
    most_rounds: int | None = None,
    most_kills: int = MOST_KILLS,
    most_faults: int | None = None,
    say: Say = lambda _: None,
) -> Drill:
    """Inject faults for ``minutes``, for ``most_rounds`` rounds, or until an invariant is broken.

    With ``most_faults`` the drill ends after about that many faults, however long they take. Only tasks of
    ``environment`` are hit; it may be omitted if only one exists. All other tasks must continue unchanged.

    Raises:
        UnknownNameError: if the environment does not exist.
        InvalidRequestError: if the environment is in transition, so that no invariant can be checked.
    """
    current = _started(directory)
    bounds = Bounds(
        most_kills=most_kills,
        silent_s=SILENT_AFTER * current.heartbeat_s,
        impossible=impossible(current.namespaces),
    )
    before = look(directory)
    chosen = _chosen(before, environment)
    done = Drill(seed=seed, environment=chosen)
    drawn = rounds(seed, parts_of(before, chosen, current.namespaces), bounds)
    counted = most_rounds is not None or most_faults is not None
    until = None if counted else time.monotonic() + 60.0 * minutes
    with UnrelatedProcesses() as strangers:
        strangers.start_like_ours(layout(directory).directory)
        ongoing = _Drilling(Path(directory), chosen, strangers, before)
        for number, (faults, following) in enumerate(islice(pairwise(drawn), most_rounds), 1):
            if (until and time.monotonic() >= until) or (most_faults and done.faults >= most_faults):
                break
            say(f"round {number}: {', '.join(map(str, faults))}")
            this = ongoing.one_round(number, faults, following)
            done.rounds.append(this)
            say(_round_text(this))
            if this.broken:
                break
        done.strangers = strangers.count
    return done


def impossible(namespaces: bool) -> tuple[Way, ...]:
    """Return what cannot be done here because rights, tools or ``namespaces`` are missing."""
    found: list[Way] = []
    if not may_choose_pids():
        found += [(kind, Action.REUSE_PID) for kind in (Kind.TASK, Kind.PROGRAM)]
    if not namespaces:
        found += [(Kind.HOST, Action.REBOOT)]
    if not where("nft"):
        found += [(Kind.LINK, action) for action in BY_NFT]
    if not where("tc"):
        found += [(Kind.LINK, action) for action in BY_TC]
    return tuple(found)


def parts_of(observation: Observation, environment: str, links: bool = False) -> list[Part]:
    """Return all parts that may be hit: tasks of ``environment``, its hosts, control and master.

    With ``links``, include the links of those hosts and of the master.
    """
    tasks = [
        task for task in observation.environments[environment].tasks.values() if task.takes_part and task.pid
    ]
    hosts = sorted({task.host for task in tasks})
    return [
        *(Part(Kind.PROGRAM if task.plain else Kind.TASK, task.path) for task in tasks),
        *(Part(Kind.RECORD, task.path) for task in tasks),
        *(Part(kind, host) for kind in (Kind.AGENT, Kind.MINION, Kind.HOST) for host in hosts),
        Part(Kind.CONTROL),
        Part(Kind.MASTER),
        *(Part(Kind.LINK, host) for host in (*hosts, MASTER) if links),
    ]


def _started(directory: str | Path) -> Record:
    """Return the record of the cluster in ``directory``."""
    current = state_file.read(layout(directory))
    if current is None:
        raise UnknownNameError(f"there is no cluster in {directory}")
    return current


def _chosen(observation: Observation, wanted: str) -> str:
    """Return the environment whose id begins with ``wanted``, or the only one if ``wanted`` is empty."""
    alternatives = f"; there is {some(observation.environments) or 'none'}"
    if not wanted and len(observation.environments) != 1:
        raise UnknownNameError(f"several environments could be drilled{alternatives}: name one")
    chosen = wanted or next(iter(observation.environments))
    found = resolve_prefix(chosen, observation.environments, "environment", alternatives)
    if observation.environments[found].busy:
        raise InvalidRequestError(f"environment {found} is in a transition: wait for its end")
    return found


def must_count_losses(faults: Sequence[Fault], following: Sequence[Fault]) -> bool:
    """Return whether losses of ``faults`` could be attributed to the round ``following``.

    Counting takes seconds. It is omitted where both rounds hit only tasks of the drilled environment,
    because losses are not checked then.
    """
    elsewhere = any(fault.action in (Action.ISOLATE, Action.REBOOT) for fault in faults)
    excused = any(fault.ends_its_task and fault.part.kind is Kind.TASK for fault in following)
    return may_lose_data(faults) and (elsewhere or not excused)


@dataclass(slots=True)
class _Drilling:
    """A drill in progress: what it hits and the last observation."""

    directory: Path
    drilled: str
    strangers: UnrelatedProcesses
    before: Observation

    def one_round(self, number: int, faults: tuple[Fault, ...], following: tuple[Fault, ...]) -> Round:
        """Inject ``faults``, wait for full recovery, and return the result of the round."""
        injury = FaultInjector(self.directory, self.before, self.drilled, self.strangers)
        injury.inject(faults)
        begin = time.monotonic()
        if any(fault.part.kind in STARTED_AGAIN for fault in faults):
            up(self.directory)
        done = self._healed(number, faults, begin)
        if must_count_losses(faults, following):
            self._count_losses()
        self.strangers.next_round()
        return replace(done, skipped=tuple(injury.skipped))

    def _healed(self, number: int, faults: tuple[Fault, ...], begin: float) -> Round:
        """Observe until invariants hold and all hosts have reported since ``begin``, or time is up."""
        well_s = None
        for after in self._observations(begin + HEALED_WITHIN_S):
            elapsed_s = time.monotonic() - begin
            violations = self._broken(faults, after)
            if isinstance(after, str) or violations:
                well_s = None  # the recovery was not complete
                continue
            well_s = elapsed_s if well_s is None else well_s
            violations = self._broken(faults, after, elapsed_s)
            if not violations:
                self.before = after
                return Round(number=number, faults=faults, seconds=well_s, fresh_s=elapsed_s - well_s)
        seconds = time.monotonic() - begin
        return Round(number=number, faults=faults, seconds=seconds, broken=tuple(violations))

    def _broken(
        self, faults: tuple[Fault, ...], after: Observation | str, elapsed_s: float = float("inf")
    ) -> list[str]:
        if isinstance(after, str):
            return [after]
        return broken(self.before, faults, after, self.drilled, elapsed_s)

    def _count_losses(self) -> None:
        """Observe until no sink reports further losses, so that the next round does not count them."""
        until = time.monotonic() + HEALED_WITHIN_S
        while time.monotonic() < until:
            time.sleep(COUNTED_S)
            last, now = self.before, self._observe()
            self.before = now if isinstance(now, Observation) else last
            if now is self.before and losses(now) == losses(last):
                break

    def _observe(self) -> Observation | str:
        observation = try_to_look(self.directory)
        return (
            replace(observation, strangers=self.strangers.observe())
            if isinstance(observation, Observation)
            else observation
        )

    def _observations(self, until: float) -> Iterator[Observation | str]:
        """Yield observations until time is up, at least one."""
        yield self._observe()
        while time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
            yield self._observe()


def _round_text(this: Round) -> str:
    if this.broken:
        return "\n".join(["  broken:", *(f"    {violation}" for violation in this.broken)])
    skipped = f"; skipped: {', '.join(map(str, this.skipped))}" if this.skipped else ""
    return f"  recovered after {this.seconds:.1f} s, sure after {this.fresh_s:.1f} s more{skipped}"
