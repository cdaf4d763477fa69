"""Schedule of a drill's faults, drawn from a seed so that every drill can be repeated.

A drill is a sequence of rounds. The faults of one round overlap. The cluster must recover before the next
round, so a broken invariant belongs to the round in which it is observed.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MASTER = "master"


class Kind(StrEnum):
    """Kind of a part."""

    TASK = "task"
    """A task with states."""
    PROGRAM = "program"
    """A task without states: a plain program."""
    RECORD = "record"
    """The agent's record of a task on disk."""
    AGENT = "agent"
    MINION = "minion"
    HOST = "host"
    CONTROL = "control"
    MASTER = MASTER
    LINK = "link"
    """Link of a host or of the master. Links exist where hosts are network namespaces."""


OF_A_TASK = (Kind.TASK, Kind.PROGRAM, Kind.RECORD)
"""Parts of these kinds are named by the path of a role."""


class Action(StrEnum):
    """Action of a fault on a part."""

    KILL = "kill"
    """SIGKILL; for a minion or master, all of its processes."""
    STOP = "stop"
    """SIGSTOP, and SIGCONT after some time."""
    SLOW = "slow"
    """Stopped half of the time, in periods of a twentieth of a second."""
    FAIL = "fail"
    """A plain program exits with a status other than 0."""
    REUSE_PID = "reuse the pid of"
    """A task is killed while no agent runs on its host, and another process gets its pid."""
    STEAL_PORTS = "steal the ports of"
    """An unrelated process takes the ports of a killed task, or free ports of a host."""
    TRUNCATE = "truncate"
    """A file loses its second half while no agent runs."""
    GARBLE = "garble"
    """The middle of a file is overwritten while no agent runs."""
    REMOVE = "remove"
    """All files of a record are removed while no agent runs."""
    REBOOT = "reboot"
    """All processes of a host are killed, and the next boot has another boot id."""
    CLONE = "clone"
    """A second minion with the same id and key runs at another address, with its own agent."""
    REFUSE_KEY = "refuse the key of"
    """The master deletes the key of a host and accepts it again after some time."""
    CUT = "cut"
    """No packet passes a link, in either direction."""
    MUTE = "mute"
    """Packets that a host sends are dropped."""
    DEAFEN = "deafen"
    """Packets to a host are dropped."""
    SILENCE = "silence"
    """Salt's messages do not pass a link; all other packets do."""
    LOSE = "lose some of"
    """A third of the packets on a link is dropped."""
    THROTTLE = "throttle"
    """Packets to a host are slow and delayed."""
    ISOLATE = "isolate"
    """Cut for longer than a host may be silent: its tasks are rescheduled, and stopped when it is back."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Target of a fault: a task or record by role path; an agent, host or link by host; or control."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        """Return the part as text for users."""
        return f"{self.kind} {self.name}".strip()

    @property
    def victim(self) -> tuple[str, str]:
        """What at most one fault of a round may hit. A task and its record count as one."""
        return ("task" if self.kind in OF_A_TASK else self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; times in seconds, ``at`` from the start of its round."""

    at: float
    action: Action
    part: Part
    lasts: float = 0.0

    def __str__(self) -> str:
        """Return the fault as text for users."""
        span = f" for {self.lasts:g} s" if self.lasts else ""
        return f"{self.action} {self.part}{span} at {self.at:g} s"

    @property
    def name(self) -> str:
        """Kind of the fault, for example ``kill task``."""
        return f"{self.action} {self.part.kind}"

    @property
    def ends_its_task(self) -> bool:
        """Whether the task certainly has another process afterwards."""
        return (self.action, self.part.kind) in ENDS_A_TASK


ENDS_A_TASK = {
    (Action.KILL, Kind.TASK),
    (Action.KILL, Kind.PROGRAM),
    (Action.FAIL, Kind.PROGRAM),
    (Action.REUSE_PID, Kind.TASK),
    (Action.REUSE_PID, Kind.PROGRAM),
    (Action.STEAL_PORTS, Kind.TASK),
}


WEIGHTS = {
    (Kind.TASK, Action.KILL): 5,
    (Kind.TASK, Action.STOP): 2,
    (Kind.TASK, Action.SLOW): 1,
    (Kind.TASK, Action.REUSE_PID): 3,
    (Kind.TASK, Action.STEAL_PORTS): 3,
    (Kind.PROGRAM, Action.KILL): 3,
    (Kind.PROGRAM, Action.FAIL): 3,
    (Kind.PROGRAM, Action.STOP): 1,
    (Kind.PROGRAM, Action.REUSE_PID): 2,
    (Kind.RECORD, Action.TRUNCATE): 1,
    (Kind.RECORD, Action.GARBLE): 1,
    (Kind.RECORD, Action.REMOVE): 2,
    (Kind.AGENT, Action.KILL): 3,
    (Kind.AGENT, Action.STOP): 2,
    (Kind.AGENT, Action.SLOW): 1,
    (Kind.CONTROL, Action.KILL): 3,
    (Kind.CONTROL, Action.STOP): 2,
    (Kind.CONTROL, Action.SLOW): 1,
    (Kind.MINION, Action.KILL): 2,
    (Kind.MINION, Action.STOP): 1,
    (Kind.HOST, Action.STEAL_PORTS): 2,
    (Kind.HOST, Action.REBOOT): 3,
    (Kind.HOST, Action.CLONE): 3,
    (Kind.HOST, Action.REFUSE_KEY): 2,
    (Kind.MASTER, Action.KILL): 1,
    (Kind.MASTER, Action.STOP): 1,
    (Kind.LINK, Action.CUT): 3,
    (Kind.LINK, Action.MUTE): 2,
    (Kind.LINK, Action.DEAFEN): 2,
    (Kind.LINK, Action.SILENCE): 2,
    (Kind.LINK, Action.LOSE): 2,
    (Kind.LINK, Action.THROTTLE): 1,
    (Kind.LINK, Action.ISOLATE): 2,
}
"""Relative frequency of each fault."""
AT_ONCE = (Action.KILL, Action.FAIL, Action.REUSE_PID, Action.TRUNCATE, Action.GARBLE, Action.REMOVE)
"""Faults without a duration."""
LASTING = {Action.CLONE: (6.0, 12.0), Action.REFUSE_KEY: (12.0, 35.0)}
"""Duration of these faults in seconds. All other faults last at most :data:`LONGEST_S`."""
FAULTS_AT_ONCE = (1, 1, 2, 2, 3, 3, 4, 5)
WITHIN_S = 1.0
"""Maximum time between faults of one round, unless one of them lasts long."""
LONGEST_S = 4.0
"""Maximum duration of a stopped or slowed state."""
OF_SILENCE = 0.5
"""The same as a fraction of the silence after which a host counts as lost: well below it."""
SECONDS_EACH = 4.0
"""A long fault is accompanied by one more fault for each period of this length."""
MOST_KILLS = 4
"""Maximum number of times that one task is ended: one less than the default restart budget."""
ISOLATED = (1.5, 2.0)
"""Duration of an isolation, as a multiple of the time that a host may be silent."""

Way = tuple[Kind, Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits of a drill; times in seconds."""

    most_kills: int = MOST_KILLS
    """Maximum number of times that one task is ended."""
    silent_s: float = 0.0
    """Time that a host may be silent before it counts as lost; 0 if unknown."""
    impossible: Collection[Way] = ()
    """Faults that cannot be injected here because rights or tools are missing."""

    @property
    def longest_s(self) -> float:
        """Maximum duration of a stop, slowdown or cut."""
        return min(LONGEST_S, OF_SILENCE * self.silent_s) if self.silent_s else LONGEST_S


NO_BOUNDS = Bounds()


def rounds(seed: int, parts: Sequence[Part], bounds: Bounds = NO_BOUNDS) -> Iterator[tuple[Fault, ...]]:
    """Draw an infinite sequence of rounds for ``parts``. Equal arguments give equal rounds."""
    draws = _Draws(random.Random(seed), sorted(parts), bounds)
    while True:
        yield draws.draw_round()


class _Draws:
    """Draw faults from one random source, and count how often each task was ended.

    Ways are drawn without replacement: first each one once, so that a short drill has all of them; then
    repeatedly, each as often as its weight. A fault that does not fit into a round is moved to the next one.
    """

    def __init__(self, source: random.Random, parts: Sequence[Part], bounds: Bounds) -> None:
        kinds = {part.kind for part in parts}
        self._source, self._parts, self._bounds = source, parts, bounds
        self._ways = [way for way in WEIGHTS if way[0] in kinds and way not in bounds.impossible]
        self._deck = self._shuffled(dict.fromkeys(self._ways, 1))
        self._ended: Counter[str] = Counter()

    def draw_round(self) -> tuple[Fault, ...]:
        """Return the faults of the next round, ordered by time."""
        count = self._source.choice(FAULTS_AT_ONCE)
        drawn = [self._draw(WITHIN_S) for _ in range(count)]
        selected = _one_each([fault for _, fault in drawn])
        span_s = max((fault.lasts for fault in selected if fault.action in LASTING), default=0.0)
        drawn += [self._draw(span_s) for _ in range(int(span_s / SECONDS_EACH))]
        selected = _bearable(_one_each([fault for _, fault in drawn]))
        self._deck += [way for way, fault in drawn if fault not in selected]
        chosen = selected if len(selected) > 1 else [replace(selected[0], at=min(selected[0].at, WITHIN_S))]
        self._ended.update(fault.part.name for fault in chosen if fault.ends_its_task)
        return tuple(sorted(chosen, key=lambda fault: fault.at))

    def _draw(self, within_s: float) -> tuple[Way, Fault]:
        way = self._next_way()
        part = self._source.choice([part for part in self._parts if part.kind is way[0]])
        at = round(self._source.uniform(0.0, within_s), 2)
        return way, self._within_bounds(Fault(at, way[1], part, self._length(way[1])))

    def _next_way(self) -> Way:
        if not self._deck:
            self._deck = self._shuffled({way: WEIGHTS[way] for way in self._ways})
        return self._deck.pop()

    def _shuffled(self, counts: Mapping[Way, int]) -> list[Way]:
        deck = [way for way, count in counts.items() for _ in range(count)]
        self._source.shuffle(deck)
        return deck

    def _length(self, action: Action) -> float:
        shortest, longest = LASTING.get(action, (0.2, self._bounds.longest_s))
        if action is Action.ISOLATE:
            shortest, longest = (times * self._bounds.silent_s for times in ISOLATED)
        lasts = round(self._source.uniform(shortest, longest), 2)
        return 0.0 if action in AT_ONCE or action in (Action.REBOOT, Action.STEAL_PORTS) else lasts

    def _within_bounds(self, fault: Fault) -> Fault:
        """Return ``fault``, or a milder one if it would exceed the limits."""
        part, stopped_s = fault.part, self._bounds.longest_s
        if fault.ends_its_task and self._ended[part.name] >= self._bounds.most_kills:
            return Fault(fault.at, Action.STOP, part, stopped_s)
        if fault.action is Action.ISOLATE and (part.name == MASTER or not self._bounds.silent_s):
            return Fault(fault.at, Action.CUT, part, stopped_s)
        return fault


def _bearable(chosen: list[Fault]) -> list[Fault]:
    """Remove faults that no run could tolerate together.

    An isolation or a reboot is the only fault of its round: the tasks of that host need another healthy
    host. A host whose key is refused is alive for control only as long as its link is. If the original of a
    clone does not run, control takes the clone for the host.
    """
    severe = [fault for fault in chosen if fault.action in (Action.ISOLATE, Action.REBOOT)]
    if severe:
        return severe[:1]
    refused = any(fault.action is Action.REFUSE_KEY for fault in chosen)
    cloned = {fault.part.name for fault in chosen if fault.action is Action.CLONE}
    return [
        fault
        for fault in chosen
        if not (refused and fault.part.kind is Kind.LINK)
        and not (fault.part.kind is Kind.MINION and fault.part.name in cloned)
    ]


def _one_each(drawn: Sequence[Fault]) -> list[Fault]:
    """Keep one fault of each victim, preferably one that ends it: a dead process cannot be stopped."""
    chosen: dict[tuple[str, str], Fault] = {}
    for fault in drawn:
        known = chosen.get(fault.part.victim)
        if known is None or _is_final(fault) > _is_final(known):
            chosen[fault.part.victim] = fault
    return list(chosen.values())


def _is_final(fault: Fault) -> bool:
    return fault.ends_its_task or fault.action is Action.KILL
