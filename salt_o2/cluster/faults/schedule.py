"""What may go wrong in a drill, and in which order: drawn from a seed, so that any drill can be had again.

A drill is a sequence of rounds. The faults of one round overlap; before the next everything must be well
again, so a broken law belongs to the round it shows in.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MASTER = "master"


class Kind(StrEnum):
    """What a part is."""

    TASK = "task"
    """A task with states."""
    PROGRAM = "program"
    """A task without states: a plain program."""
    RECORD = "record"
    """What the agent keeps on disk about a task."""
    AGENT = "agent"
    MINION = "minion"
    HOST = "host"
    CONTROL = "control"
    MASTER = MASTER
    LINK = "link"
    """Of a host, or of the master; there are links where hosts are network namespaces."""


OF_A_TASK = (Kind.TASK, Kind.PROGRAM, Kind.RECORD)
"""Their parts have the path of a role as their name."""


class Action(StrEnum):
    """What is done to a part."""

    KILL = "kill"
    """SIGKILL; of a minion or master with all of its processes."""
    STOP = "stop"
    """SIGSTOP, and SIGCONT after some time."""
    SLOW = "slow"
    """Stopped half of the time, a twentieth of a second each."""
    FAIL = "fail"
    """A plain program ends with an exit status other than 0."""
    REUSE_PID = "reuse the pid of"
    """A task is killed while no agent runs on its host, and the kernel gives its pid to another process."""
    STEAL_PORTS = "steal the ports of"
    """A process that is not ours takes the ports of a task that is killed; of a host: ports that are free."""
    TRUNCATE = "truncate"
    """Half of a file is lost while no agent runs."""
    GARBLE = "garble"
    """The middle of a file is overwritten while no agent runs."""
    REMOVE = "remove"
    """All files of a record are removed while no agent runs."""
    REBOOT = "reboot"
    """All processes of a host are killed, and the next boot has another boot id."""
    CLONE = "clone"
    """A second minion with the same id and key runs at another address, with an agent of its own."""
    REFUSE_KEY = "refuse the key of"
    """The master deletes the key of a host, and accepts it again after some time."""
    CUT = "cut"
    """Nothing goes through a link, in either direction."""
    MUTE = "mute"
    """What a host sends is lost."""
    DEAFEN = "deafen"
    """What a host is sent is lost."""
    SILENCE = "silence"
    """Salt's messages do not go through a link; all others do."""
    LOSE = "lose some of"
    """A third of what goes through a link is lost."""
    THROTTLE = "throttle"
    """What a host is sent comes slowly, and late."""
    ISOLATE = "isolate"
    """Cut for longer than a host may be silent: its tasks are placed anew, and ended when it is back."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """What a fault hits: a task or its record by its role's path; agent, host or link by host; control."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        """Say it as a person would."""
        return f"{self.kind} {self.name}".strip()

    @property
    def victim(self) -> tuple[str, str]:
        """What only one fault of a round may hit: a task is the same with its record."""
        return ("task" if self.kind in OF_A_TASK else self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; times in seconds, ``at`` from the beginning of its round."""

    at: float
    action: Action
    part: Part
    lasts: float = 0.0

    def __str__(self) -> str:
        """Say it as a person would."""
        span = f" for {self.lasts:g} s" if self.lasts else ""
        return f"{self.action} {self.part}{span} at {self.at:g} s"

    @property
    def name(self) -> str:
        """What kind of fault it is: ``kill task``."""
        return f"{self.action} {self.part.kind}"

    @property
    def ends_its_task(self) -> bool:
        """Whether a task is another process afterwards, for sure."""
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
"""How often each is drawn, against the others."""
AT_ONCE = (Action.KILL, Action.FAIL, Action.REUSE_PID, Action.TRUNCATE, Action.GARBLE, Action.REMOVE)
"""These take no time of their own."""
LASTING = {Action.CLONE: (6.0, 12.0), Action.REFUSE_KEY: (12.0, 35.0)}
"""How long these last, in seconds; all others at most :data:`LONGEST_S`."""
FAULTS_AT_ONCE = (1, 1, 2, 2, 3, 3, 4, 5)
WITHIN_S = 1.0
"""How far the faults of one round lie apart, unless one of them lasts long."""
LONGEST_S = 4.0
"""How long something is stopped or slowed, at most."""
OF_SILENCE = 0.5
"""The same in times that a host may be silent: well below the time after which it counts as lost."""
SECONDS_EACH = 4.0
"""A fault that lasts long is accompanied by one more for each of this many seconds."""
MOST_KILLS = 4
"""How often one task is ended: one time less than the default budget of restarts."""
ISOLATED = (1.5, 2.0)
"""How long a host is isolated, in times that it may be silent."""

Way = tuple[Kind, Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a drill must not do; times in seconds."""

    most_kills: int = MOST_KILLS
    """How often one task is ended."""
    silent_s: float = 0.0
    """How long a host may be silent before it counts as lost; 0 if that is not known."""
    impossible: Collection[Way] = ()
    """What cannot be done here, for want of rights or tools."""

    @property
    def longest_s(self) -> float:
        """How long something is stopped, slowed or cut."""
        return min(LONGEST_S, OF_SILENCE * self.silent_s) if self.silent_s else LONGEST_S


NO_BOUNDS = Bounds()


def rounds(seed: int, parts: Sequence[Part], bounds: Bounds = NO_BOUNDS) -> Iterator[tuple[Fault, ...]]:
    """Draw round after round for these ``parts``, for ever; the same for the same arguments."""
    hand = _Draws(random.Random(seed), sorted(parts), bounds)
    while True:
        yield hand.draw_round()


class _Draws:
    """Draws faults from one source of chance, and counts how often each task was ended.

    Ways are dealt like cards: first each one once, so that a short drill has them all; then, again and again,
    each as often as its weight. What a round cannot bear comes in the next one.
    """

    def __init__(self, source: random.Random, parts: Sequence[Part], bounds: Bounds) -> None:
        kinds = {part.kind for part in parts}
        self._source, self._parts, self._bounds = source, parts, bounds
        self._ways = [way for way in WEIGHTS if way[0] in kinds and way not in bounds.impossible]
        self._deck = self._shuffled(dict.fromkeys(self._ways, 1))
        self._ended: Counter[str] = Counter()

    def draw_round(self) -> tuple[Fault, ...]:
        """Return the faults of the next round, in the order of their times."""
        count = self._source.choice(FAULTS_AT_ONCE)
        drawn = [self._draw(WITHIN_S) for _ in range(count)]
        kept = _one_each([fault for _, fault in drawn])
        span_s = max((fault.lasts for fault in kept if fault.action in LASTING), default=0.0)
        drawn += [self._draw(span_s) for _ in range(int(span_s / SECONDS_EACH))]
        kept = _bearable(_one_each([fault for _, fault in drawn]))
        self._deck += [way for way, fault in drawn if fault not in kept]
        chosen = kept if len(kept) > 1 else [replace(kept[0], at=min(kept[0].at, WITHIN_S))]
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
        """Return ``fault``, or a milder one where it would be too much."""
        part, stopped_s = fault.part, self._bounds.longest_s
        if fault.ends_its_task and self._ended[part.name] >= self._bounds.most_kills:
            return Fault(fault.at, Action.STOP, part, stopped_s)
        if fault.action is Action.ISOLATE and (part.name == MASTER or not self._bounds.silent_s):
            return Fault(fault.at, Action.CUT, part, stopped_s)
        return fault


def _bearable(chosen: list[Fault]) -> list[Fault]:
    """Leave out what no run could survive together.

    Nothing else happens in the round of an isolation or a reboot: the tasks of that host need another one
    that is well. A host whose key is refused is alive for control only as long as its link is. A clone
    whose original does not run is, for control, the host itself.
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
    """Keep one fault of each victim; one that ends it, if there is one: a dead process cannot be stopped."""
    chosen: dict[tuple[str, str], Fault] = {}
    for fault in drawn:
        known = chosen.get(fault.part.victim)
        if known is None or _is_final(fault) > _is_final(known):
            chosen[fault.part.victim] = fault
    return list(chosen.values())


def _is_final(fault: Fault) -> bool:
    return fault.ends_its_task or fault.action is Action.KILL
