"""Invariants after faults: pure functions of the faults and the observations before and after."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from salt_o2.cluster.faults.schedule import Action, Fault, Kind

ACTIVE = "ACTIVE"
"""Status of a host whose agent reports (core/recovery/host_liveness.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTask:
    """One task as control reports it, and whether the kernel agrees."""

    path: str
    host: str
    pid: int | None
    started: str | None
    state: str
    takes_part: bool = True
    """Whether the task is neither excluded nor lost."""
    alive: bool = True
    """Whether the kernel has the process."""
    plain: bool = False
    """Whether the task is a plain program, without states of its own."""
    why: str = ""
    """Why the task is excluded or has failed, as control reports it."""

    @property
    def process(self) -> tuple[int | None, str | None]:
        """Identity of the task's process: pid and start time."""
        return (self.pid, self.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEnvironment:
    """One environment as control reports it."""

    id: str
    state: str
    run_number: int | None
    busy: bool = False
    """Whether a transition is in progress."""
    tasks: Mapping[str, ObservedTask] = field(default_factory=dict)
    """Tasks by path."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Count of numbered messages that did not arrive, by path of the reporting sink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedHost:
    """One host as control reports it."""

    status: str
    address: str | None
    heard_s: float
    """Seconds since the last report of the host's agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedUnrelatedProcess:
    """A process that belongs to no cluster."""

    name: str
    pid: int
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All facts that were observed at one time."""

    environments: Mapping[str, ObservedEnvironment]
    orphaned_pids: Collection[int] = ()
    """Task processes that no environment knows."""
    hosts: Mapping[str, ObservedHost] = field(default_factory=dict)
    strangers: Collection[ObservedUnrelatedProcess] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """Input of the invariants: the faults and the observations before and after them."""

    before: Observation
    faults: Sequence[Fault]
    after: Observation
    drilled: str
    """Environment whose tasks are hit."""
    elapsed_s: float = float("inf")
    """Seconds between the end of the faults and ``after``. Older reports are not fresh."""

    @cached_property
    def pairs(self) -> list[tuple[ObservedEnvironment, ObservedEnvironment]]:
        """Return each environment that exists before and after, as a pair."""
        known = self.after.environments
        return [(was, known[id]) for id, was in self.before.environments.items() if id in known]

    @cached_property
    def ended(self) -> set[str]:
        """Paths of tasks of the drilled environment that faults have ended."""
        return {fault.part.name for fault in self.faults if fault.ends_its_task}

    @cached_property
    def unknown(self) -> set[str]:
        """Paths of tasks of the drilled environment whose records were damaged."""
        return {fault.part.name for fault in self.faults if fault.part.kind is Kind.RECORD}

    def must_change(self, environment: str, task: ObservedTask) -> bool:
        """Return whether ``task`` must have another process now."""
        return (environment == self.drilled and task.path in self.ended) or task.host in self._hosts(
            Action.REBOOT
        )

    def may_change(self, environment: str, task: ObservedTask) -> bool:
        """Return whether ``task`` may have another process now."""
        damaged = environment == self.drilled and task.path in self.unknown
        return damaged or self.must_change(environment, task) or self.may_move(task)

    def may_move(self, task: ObservedTask) -> bool:
        """Return whether ``task`` may run on another host now."""
        return task.host in self._hosts(Action.ISOLATE, Action.REBOOT)

    def _hosts(self, *actions: Action) -> set[str]:
        return {fault.part.name for fault in self.faults if fault.action in actions}

    def tasks(self) -> Iterator[tuple[str, ObservedTask, ObservedTask]]:
        """Return each task that took part and still exists, with its environment, before and after."""
        for was, now in self.pairs:
            for path, old in was.tasks.items():
                if old.takes_part and path in now.tasks:
                    yield was.id, old, now.tasks[path]


def _environments_are_known(case: Case) -> Iterator[str]:
    for id in case.before.environments.keys() - case.after.environments.keys():
        yield f"environment {id} is not known any more"


def _environments_are_as_before(case: Case) -> Iterator[str]:
    for was, now in case.pairs:
        if now.state != was.state:
            yield f"environment {now.id} was {was.state} and is {now.state}"
        if now.busy:
            yield f"environment {now.id} is still in a transition"


def _runs_go_on(case: Case) -> Iterator[str]:
    for was, now in case.pairs:
        if now.run_number != was.run_number:
            yield f"the run of {now.id} was {was.run_number} and is {now.run_number}"


def _run_numbers_come_once(case: Case) -> Iterator[str]:
    numbers = [each.run_number for each in case.after.environments.values() if each.run_number is not None]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"run number {number} was given twice"


def _tasks_take_part(case: Case) -> Iterator[str]:
    for was, now in case.pairs:
        for path in was.tasks.keys() - now.tasks.keys():
            yield f"task {path} is not known any more"
    for _, old, new in case.tasks():
        if new.state != old.state or not new.takes_part:
            yield f"task {old.path} was {old.state} and is {new.state}{f': {new.why}' if new.why else ''}"


def _processes_are_alive(case: Case) -> Iterator[str]:
    for _, _, new in case.tasks():
        if not new.alive:
            yield f"task {new.path} is shown as process {new.pid}, which does not run"


def _only_hit_tasks_are_replaced(case: Case) -> Iterator[str]:
    for environment, old, new in case.tasks():
        if new.process != old.process and not case.may_change(environment, old):
            yield f"task {old.path} was not killed, and process {old.pid} became {new.pid}"


def _killed_tasks_are_replaced(case: Case) -> Iterator[str]:
    for environment, old, new in case.tasks():
        if new.process == old.process and case.must_change(environment, old):
            yield f"task {old.path} was killed and is still shown as process {old.pid}"


def _tasks_stay_on_their_hosts(case: Case) -> Iterator[str]:
    for _, old, new in case.tasks():
        if new.host != old.host and not case.may_move(old):
            yield f"task {old.path} went from {old.host} to {new.host}"


def _no_message_is_lost(case: Case) -> Iterator[str]:
    """Check environments where no task has another process than before."""
    for was, now in case.pairs:
        if any(case.may_change(was.id, task) for task in was.tasks.values() if not task.plain):
            continue
        for path, count in now.missing.items():
            if count > was.missing.get(path, 0):
                yield f"{count - was.missing.get(path, 0)} messages did not reach {path} of {now.id}"


def _no_process_is_left(case: Case) -> Iterator[str]:
    for pid in sorted(case.after.orphaned_pids):
        yield f"process {pid} belongs to no task"


def _hosts_are_heard(case: Case) -> Iterator[str]:
    for name, host in sorted(case.after.hosts.items()):
        if host.heard_s > case.elapsed_s:
            yield f"host {name} has not reported since"


def _hosts_are_as_before(case: Case) -> Iterator[str]:
    for name, was in sorted(case.before.hosts.items()):
        now = case.after.hosts.get(name)
        if now is None:
            yield f"host {name} is not known any more"
        elif now.status != ACTIVE:
            yield f"host {name} is {now.status}"
        elif now.address != was.address:
            yield f"host {name} was at {was.address} and is at {now.address}"


def _strangers_live(case: Case) -> Iterator[str]:
    for stranger in case.after.strangers:
        if not stranger.alive:
            yield f"process {stranger.pid} was harmed, which is unrelated: {stranger.name}"


def _strangers_are_no_tasks(case: Case) -> Iterator[str]:
    strangers = {stranger.pid: stranger for stranger in case.after.strangers if stranger.alive}
    for _, _, new in case.tasks():
        if new.pid in strangers:
            yield f"task {new.path} is shown as process {new.pid}, which is unrelated"


Invariant = Callable[[Case], Iterator[str]]

INVARIANTS: dict[str, Invariant] = {
    "every environment is known": _environments_are_known,
    "every environment is in its former state": _environments_are_as_before,
    "every run continues": _runs_go_on,
    "a run number is given once": _run_numbers_come_once,
    "every task takes part, in its former state": _tasks_take_part,
    "every process that control reports exists": _processes_are_alive,
    "a task without a fault keeps its process": _only_hit_tasks_are_replaced,
    "a killed task has a new process": _killed_tasks_are_replaced,
    "a task stays on its host while the host is connected": _tasks_stay_on_their_hosts,
    "no message is lost where no task was killed": _no_message_is_lost,
    "no process is left without a task": _no_process_is_left,
    "every host has reported since": _hosts_are_heard,
    "every host is active, at its address": _hosts_are_as_before,
    "every process that is not ours still runs": _strangers_live,
    "no unrelated process is taken for a task": _strangers_are_no_tasks,
}
"""All invariants in words, each with its check. A violation is described in words, too."""


def broken(
    before: Observation,
    faults: Sequence[Fault],
    after: Observation,
    drilled: str,
    elapsed_s: float = float("inf"),
) -> list[str]:
    """Return the violations of invariants, in words. ``faults`` hit only tasks of environment ``drilled``.

    The faults ended ``elapsed_s`` seconds before ``after`` was observed. Without it, freshness is not
    checked.
    """
    case = Case(before=before, faults=faults, after=after, drilled=drilled, elapsed_s=elapsed_s)
    return [violation for check in INVARIANTS.values() for violation in check(case)]


def may_lose_data(faults: Sequence[Fault]) -> bool:
    """Return whether ``faults`` may lose messages: a task with channels may have another process."""
    return any(
        (fault.ends_its_task and fault.part.kind is Kind.TASK)
        or fault.part.kind is Kind.RECORD
        or fault.action in (Action.ISOLATE, Action.REBOOT)
        for fault in faults
    )


def losses(observation: Observation) -> dict[str, Mapping[str, int]]:
    """Return the number of missing messages by environment and sink."""
    return {id: each.missing for id, each in observation.environments.items()}
