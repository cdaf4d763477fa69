"""The scenario of one simulation: hosts, users and faults, drawn from a seed."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class FaultKind(StrEnum):
    """What goes wrong; see ``injection.py`` for what each does."""

    CONTROL_KILLED = "control killed"
    CONTROL_KILLED_MIDWAY = "control killed midway"
    CONTROL_DIES_WRITING = "control killed at a write"
    CONTROL_FROZEN = "control frozen"
    AGENT_KILLED = "agent killed"
    AGENT_KILLED_MIDWAY = "agent killed midway"
    AGENT_DIES_WRITING = "agent killed at a write"
    AGENT_FROZEN = "agent frozen"
    AGENT_AWAY = "agent away"
    HOST_REBOOTED = "host rebooted"
    HOST_CUT_OFF = "host cut off"
    LINK_CUT = "link cut"
    COMMANDS_CUT = "commands cut"
    REPORTS_CUT = "reports cut"
    MASTER_AWAY = "master away"
    LINK_LOSSY = "link lossy"
    LINK_SLOW = "link slow"
    MESSAGES_TWICE = "messages twice"
    PROCESS_CRASHED = "process crashed"
    PID_TAKEN = "pid taken by another program"
    DEVICE_TROUBLE = "device trouble"
    CONTROL_CLOCK_JUMP = "clock of control jumps"
    DISK_FULL = "disk full"
    RECORDS_LOST = "records lost"
    CLOCK_JUMP = "clock of a host jumps"
    FILE_DAMAGED = "file damaged"
    STORE_LOCKED = "store locked"
    STORE_FULL = "store full"
    STRANGERS = "other programs"
    STALE_MESSAGES = "stale messages"
    HOSTILE_MESSAGE = "hostile message"
    MINION_COPIED = "minion copied"


KILLS = frozenset(
    {
        FaultKind.CONTROL_KILLED,
        FaultKind.CONTROL_KILLED_MIDWAY,
        FaultKind.CONTROL_DIES_WRITING,
        FaultKind.AGENT_KILLED,
        FaultKind.AGENT_KILLED_MIDWAY,
        FaultKind.AGENT_DIES_WRITING,
        FaultKind.MESSAGES_TWICE,
        FaultKind.STALE_MESSAGES,
        FaultKind.HOSTILE_MESSAGE,
    }
)
"""Faults that may delay a transition, but no transition may fail because of them."""
WEIGHTS = {
    FaultKind.CONTROL_KILLED: 4,
    FaultKind.CONTROL_KILLED_MIDWAY: 8,
    FaultKind.CONTROL_DIES_WRITING: 8,
    FaultKind.CONTROL_FROZEN: 3,
    FaultKind.AGENT_KILLED: 6,
    FaultKind.AGENT_KILLED_MIDWAY: 12,
    FaultKind.AGENT_DIES_WRITING: 12,
    FaultKind.AGENT_FROZEN: 4,
    FaultKind.AGENT_AWAY: 4,
    FaultKind.HOST_REBOOTED: 4,
    FaultKind.HOST_CUT_OFF: 3,
    FaultKind.LINK_CUT: 4,
    FaultKind.COMMANDS_CUT: 4,
    FaultKind.REPORTS_CUT: 4,
    FaultKind.MASTER_AWAY: 3,
    FaultKind.LINK_LOSSY: 5,
    FaultKind.LINK_SLOW: 4,
    FaultKind.MESSAGES_TWICE: 4,
    FaultKind.PROCESS_CRASHED: 8,
    FaultKind.PID_TAKEN: 4,
    FaultKind.DEVICE_TROUBLE: 12,
    FaultKind.CONTROL_CLOCK_JUMP: 2,
    FaultKind.DISK_FULL: 3,
    FaultKind.RECORDS_LOST: 2,
    FaultKind.CLOCK_JUMP: 2,
    FaultKind.FILE_DAMAGED: 3,
    FaultKind.STORE_LOCKED: 2,
    FaultKind.STORE_FULL: 3,
    FaultKind.STRANGERS: 4,
    FaultKind.STALE_MESSAGES: 4,
    FaultKind.HOSTILE_MESSAGE: 2,
    FaultKind.MINION_COPIED: 4,
}
"""How often each kind is drawn, relative to the others."""
BEGIN_S = 20.0
"""The first fault and the first request come after this time: all agents have signed in."""
QUIET_S = 210.0
"""How long no fault happens before the end, in seconds: all must be well again by then."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when, what, on which host, for how long; ``draw`` seeds its further details."""

    at: float
    kind: FaultKind
    host: str
    lasts_s: float
    draw: int

    def __str__(self) -> str:
        """Return the fault in plain words."""
        return f"{self.at:8.3f} s  {self.kind} ({self.host}, {self.lasts_s:.1f} s)"


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that is drawn before a simulation begins."""

    seed: int
    hosts: int
    users: int
    minutes: float
    faults: tuple[Fault, ...]

    @property
    def quiet_from(self) -> float:
        """When faults stop, in seconds since the start."""
        return max(BEGIN_S, 60.0 * self.minutes - QUIET_S)


def draw_scenario(
    seed: int,
    hosts: int = 10,
    minutes: float = 10.0,
    only: Collection[FaultKind] = (),
    exactly: int | None = None,
) -> Scenario:
    """Return the scenario of ``seed``: mostly few faults, sometimes many.

    ``only`` are the kinds to draw from, and ``exactly`` is the number of faults, if they are not to be drawn.
    """
    rng = Random(f"{seed}/scenario")
    last = max(BEGIN_S, 60.0 * minutes - QUIET_S)
    most = rng.choice((0, 3, 3, 8, 8, 8, 15, 40))
    count = rng.randint(0, most)
    kinds = list(WEIGHTS)
    # Some simulations have few kinds of faults, so that these meet each other more often.
    if rng.random() < 0.5:
        kinds = rng.sample(kinds, 4)
    kinds = [kind for kind in FaultKind if kind in only] or kinds
    weights = [WEIGHTS[kind] for kind in kinds]
    count = count if exactly is None else exactly
    names = [f"flp{number}" for number in range(1, hosts + 1)]
    faults = [
        Fault(
            rng.uniform(BEGIN_S, last),
            rng.choices(kinds, weights)[0],
            rng.choice(names),
            min(rng.expovariate(1 / 12.0), 60.0),
            rng.getrandbits(32),
        )
        for _ in range(count)
    ]
    users = rng.choice((1, 1, 2, 3))
    return Scenario(seed, hosts, users, minutes, tuple(sorted(faults, key=lambda fault: fault.at)))
