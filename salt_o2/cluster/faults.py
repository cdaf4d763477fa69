"""What may go wrong in a drill, and in which order: drawn from a seed, so that any drill can be had again.

A drill is a sequence of rounds. The faults of one round overlap; before the next everything must be well
again, so a broken law belongs to the round it shows in.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MASTER = "master"


class Kind(StrEnum):
    """What a part is."""

    TASK = "task"
    AGENT = "agent"
    MINION = "minion"
    CONTROL = "control"
    MASTER = MASTER
    LINK = "link"
    """Of a host, or of the master; there are links where hosts are network namespaces."""


class Action(StrEnum):
    """What is done to a part."""

    KILL = "kill"
    """SIGKILL; of a minion or master with all of its processes."""
    STOP = "stop"
    """SIGSTOP, and SIGCONT after some time."""
    SLOW = "slow"
    """Stopped half of the time, a twentieth of a second each."""
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
    """What a fault hits: a task by its role's path; agent, minion or link by host; control, the master."""

    kind: Kind
    name: str = ""

    def __str__(self) -> str:
        """Say it as a person would."""
        return f"{self.kind} {self.name}".strip()


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


WEIGHTS = {
    (Kind.TASK, Action.KILL): 6,
    (Kind.TASK, Action.STOP): 2,
    (Kind.TASK, Action.SLOW): 1,
    (Kind.AGENT, Action.KILL): 3,
    (Kind.AGENT, Action.STOP): 2,
    (Kind.AGENT, Action.SLOW): 1,
    (Kind.CONTROL, Action.KILL): 3,
    (Kind.CONTROL, Action.STOP): 2,
    (Kind.CONTROL, Action.SLOW): 1,
    (Kind.MINION, Action.KILL): 2,
    (Kind.MINION, Action.STOP): 1,
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
FAULTS_AT_ONCE = (1, 1, 1, 2, 2, 3)
WITHIN_S = 1.0
"""How far the faults of one round lie apart."""
LONGEST_S = 4.0
"""How long something is stopped or slowed; well below the time after which a host counts as lost."""
MOST_KILLS = 4
"""How often one task is killed: one time less than the default budget of restarts."""
ISOLATED = (1.5, 2.0)
"""How long a host is isolated, in times that it may be silent."""


def rounds(
    seed: int, parts: Sequence[Part], most_kills: int = MOST_KILLS, silent_s: float = 0.0
) -> Iterator[tuple[Fault, ...]]:
    """Draw round after round for these ``parts``, for ever; the same for the same arguments.

    ``silent_s`` is how long a host may be silent before it counts as lost.
    """
    source = random.Random(seed)
    ordered, kills = sorted(parts), Counter[Part]()
    while True:
        drawn = [_draw(source, ordered, kills, most_kills) for _ in range(source.choice(FAULTS_AT_ONCE))]
        chosen = _one_each([_lasting(source, fault, silent_s) for fault in drawn])
        yield tuple(sorted(_only_isolation(chosen), key=lambda fault: fault.at))


def _lasting(source: random.Random, fault: Fault, silent_s: float) -> Fault:
    """Return ``fault`` as it is, or an isolation with its length; that of the master would be everybody's."""
    if fault.action is not Action.ISOLATE:
        return fault
    if fault.part.name == MASTER or not silent_s:
        return replace(fault, action=Action.CUT)
    return replace(fault, lasts=round(silent_s * source.uniform(*ISOLATED), 2))


def _only_isolation(chosen: list[Fault]) -> list[Fault]:
    """Keep nothing beside an isolation: its host's tasks need somebody who is well."""
    isolations = [fault for fault in chosen if fault.action is Action.ISOLATE]
    return isolations[:1] or chosen


def _draw(source: random.Random, parts: Sequence[Part], kills: Counter[Part], most_kills: int) -> Fault:
    kinds = {part.kind for part in parts}
    able = [pair for pair in WEIGHTS if pair[0] in kinds]
    kind, action = source.choices(able, [WEIGHTS[pair] for pair in able])[0]
    part = source.choice([part for part in parts if part.kind is kind])
    at = round(source.uniform(0.0, WITHIN_S), 2)
    lasts = round(source.uniform(0.2, LONGEST_S), 2)
    if kind is Kind.TASK and action is Action.KILL:
        if kills[part] >= most_kills:
            action = Action.STOP
        else:
            kills[part] += 1
    return Fault(at, action, part, 0.0 if action is Action.KILL else lasts)


def _one_each(drawn: Sequence[Fault]) -> list[Fault]:
    """Keep one fault of each part; the kill, if there is one: a dead process cannot be stopped."""
    chosen: dict[Part, Fault] = {}
    for fault in drawn:
        if fault.part not in chosen or fault.action is Action.KILL:
            chosen[fault.part] = fault
    return list(chosen.values())
