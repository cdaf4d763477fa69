"""What must hold after faults: pure judgements of what was seen before, done, and seen after."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from salt_o2.cluster.faults import Action, Fault, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTask:
    """One task as control tells it, and whether the kernel agrees."""

    path: str
    host: str
    pid: int | None
    started: str | None
    state: str
    takes_part: bool = True
    """Neither excluded nor lost."""
    alive: bool = True
    """Whether the kernel has the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEnvironment:
    """One environment as control tells it."""

    id: str
    state: str
    run_number: int | None
    busy: bool = False
    """Whether a transition is under way."""
    tasks: Mapping[str, SeenTask] = field(default_factory=dict)
    """By path."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Numbered messages that never came, by the path of the sink that tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was seen at one moment."""

    environments: Mapping[str, SeenEnvironment]
    strays: Collection[int] = ()
    """Processes of tasks that no environment knows."""
    heard_s: Mapping[str, float] = field(default_factory=dict)
    """How many seconds ago each host was heard."""


def broken(
    before: Seen, faults: Sequence[Fault], after: Seen, drilled: str, elapsed_s: float = float("inf")
) -> list[str]:
    """Return each law that does not hold, in words; ``faults`` hit tasks of environment ``drilled`` only.

    They ended ``elapsed_s`` seconds before ``after`` was seen: what was heard earlier is not fresh. Without
    it, freshness is not asked for.
    """
    found: list[str] = []
    isolated = {fault.part.name for fault in faults if fault.action is Action.ISOLATE}
    for id, was in before.environments.items():
        now = after.environments.get(id)
        if now is None:
            found.append(f"environment {id} is not known any more")
            continue
        hit = {fault.part.name: fault.action for fault in faults if fault.part.kind is Kind.TASK}
        killed = {path for path, action in hit.items() if action is Action.KILL} if id == drilled else set()
        away = {path for path, task in was.tasks.items() if task.host in isolated}
        found += [*_of_environment(was, now), *_of_tasks(was, now, killed, away)]
        found += _of_data(was, now, killed | away)
    found += [f"process {pid} belongs to no task" for pid in sorted(after.strays)]
    stale = [host for host, seconds in after.heard_s.items() if seconds > elapsed_s]
    found += [f"host {host} has not been heard since" for host in sorted(stale)]
    return [*found, *_of_numbers(after)]


def may_lose_data(faults: Sequence[Fault]) -> bool:
    """Return whether messages may be lost by ``faults``: a task is another one afterwards."""
    kills = any(fault.action is Action.KILL and fault.part.kind is Kind.TASK for fault in faults)
    return kills or any(fault.action is Action.ISOLATE for fault in faults)


def losses(seen: Seen) -> dict[str, Mapping[str, int]]:
    """Return how many messages are missing, by environment and sink."""
    return {id: each.missing for id, each in seen.environments.items()}


def _of_environment(was: SeenEnvironment, now: SeenEnvironment) -> list[str]:
    found = []
    if now.state != was.state:
        found.append(f"environment {now.id} was {was.state} and is {now.state}")
    if now.run_number != was.run_number:
        found.append(f"the run of {now.id} was {was.run_number} and is {now.run_number}")
    if now.busy:
        found.append(f"environment {now.id} does not come to rest")
    return found


def _of_tasks(
    was: SeenEnvironment, now: SeenEnvironment, killed: Collection[str], away: Collection[str]
) -> list[str]:
    """Tasks ``away`` were on a host that was isolated: they may be others now, and elsewhere."""
    found = []
    for path, old in was.tasks.items():
        new = now.tasks.get(path)
        if new is None:
            found.append(f"task {path} is not known any more")
            continue
        if not old.takes_part:
            continue
        if new.state != old.state or not new.takes_part:
            found.append(f"task {path} was {old.state} and is {new.state}")
        if not new.alive:
            found.append(f"task {path} is said to be process {new.pid}, which does not live")
        same = (new.pid, new.started) == (old.pid, old.started)
        if path in killed and same:
            found.append(f"task {path} was killed and is still said to be process {old.pid}")
        if path in away:
            continue
        if path not in killed and not same:
            found.append(f"task {path} was not killed, and process {old.pid} became {new.pid}")
        if new.host != old.host:
            found.append(f"task {path} went from {old.host} to {new.host}")
    return found


def _of_data(was: SeenEnvironment, now: SeenEnvironment, killed: Collection[str]) -> list[str]:
    """Where nobody was killed, or placed anew, no message may be lost."""
    if killed:
        return []
    return [
        f"{count - was.missing.get(path, 0)} messages did not reach {path} of {now.id}"
        for path, count in now.missing.items()
        if count > was.missing.get(path, 0)
    ]


def _of_numbers(after: Seen) -> list[str]:
    numbers = [each.run_number for each in after.environments.values() if each.run_number is not None]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    return [f"run number {number} was given twice" for number in twice]
