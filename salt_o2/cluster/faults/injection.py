"""Inject the faults of one round into the processes of a private cluster, and end them in time."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from salt_o2.cluster import state_file
from salt_o2.cluster.faults.cloned_minion import Clone
from salt_o2.cluster.faults.components import agent_pid, control_pid, daemon
from salt_o2.cluster.faults.host_faults import HostFaults
from salt_o2.cluster.faults.invariants import Observation, ObservedTask
from salt_o2.cluster.faults.key_admission import Admission
from salt_o2.cluster.faults.schedule import OF_A_TASK, Action, Fault, Kind, Part
from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses
from salt_o2.cluster.lifecycle.kill import kill_daemons
from salt_o2.cluster.network_links import Link, link
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import Process, members, start_time
from salt_o2.core.errors import UnknownNameError

SLICE_S = 0.05
DAEMONS = (Kind.MASTER, Kind.MINION)
HARMFUL = (
    Action.REUSE_PID,
    Action.STEAL_PORTS,
    Action.TRUNCATE,
    Action.GARBLE,
    Action.REMOVE,
    Action.REBOOT,
)
"""Faults that need more than signals (host_faults.py)."""
FAILS_BY = signal.SIGUSR1
"""Signal on which the plain programs of the examples exit with a failure."""

Deed = tuple[float, Callable[[], None]]


class FaultInjector:
    """One round on the cluster in ``directory``, observed as ``before``; hits tasks of ``drilled``."""

    def __init__(
        self, directory: Path, before: Observation, drilled: str, strangers: UnrelatedProcesses
    ) -> None:
        """Prepare a round. Change nothing yet."""
        self._directory, self._before = directory, before
        self._tasks = before.environments[drilled].tasks
        self._harm = HostFaults(directory, strangers)
        self._stopped: list[Process] = []
        self._broken: list[Link] = []
        self._clones: list[Clone] = []
        self._refused: list[Admission] = []
        self.skipped: list[Fault] = []
        """Faults that could not be injected as drawn."""

    def inject(self, faults: Sequence[Fault]) -> None:
        """Inject ``faults`` at their times; return when all have ended."""
        victims = {fault.part: self._processes(fault.part) for fault in faults}
        deeds = [deed for fault in faults for deed in self._deeds(fault, victims[fault.part])]
        begin = time.monotonic()
        try:
            for at, do in sorted(deeds, key=lambda deed: deed[0]):
                time.sleep(max(0.0, begin + at - time.monotonic()))
                do()
        finally:
            self._go_on(self._stopped)
            for link_ in self._broken:
                link_.restore()
            for clone in self._clones:
                clone.end()
            for admission in self._refused:
                admission.accept()

    def _processes(self, part: Part) -> list[Process]:
        """Return the current processes of a part, the leader of a daemon first."""
        if part.kind in DAEMONS:
            leader = daemon(self._directory, part.name or "master")
            return [leader, *members(leader)] if leader else []
        pid = self._pid(part)
        started = start_time(pid) if pid else None
        return [Process(str(part), pid, started)] if pid and started else []

    def _pid(self, part: Part) -> int | None:
        if part.kind in OF_A_TASK:
            return self._tasks[part.name].pid if part.name in self._tasks else None
        if part.kind is Kind.AGENT:
            return agent_pid(self._directory, part.name)
        return control_pid(self._directory) if part.kind is Kind.CONTROL else None

    def _deeds(self, fault: Fault, victims: list[Process]) -> Iterator[Deed]:
        if fault.part.kind is Kind.LINK:
            its_link = self._link(fault.part.name)
            yield fault.at, lambda: self._break(its_link, fault.action)
            yield fault.at + fault.lasts, its_link.restore
            return
        if fault.action is Action.CLONE:
            clone = self._harm.clone(fault.part.name)
            yield fault.at, lambda: self._start(clone)
            yield fault.at + fault.lasts, clone.end
            return
        if fault.action is Action.REFUSE_KEY:
            admission = self._harm.admission(fault.part.name)
            yield fault.at, lambda: self._refuse(admission)
            yield fault.at + fault.lasts, admission.accept
            return
        if fault.action in HARMFUL:
            yield fault.at, lambda: self._harm_by(fault)
            return
        if fault.action in (Action.KILL, Action.FAIL):
            number = signal.SIGKILL if fault.action is Action.KILL else FAILS_BY
            yield fault.at, lambda: self._end(fault.part, victims, number)
            return
        spans = _slices(fault) if fault.action is Action.SLOW else [(fault.at, fault.at + fault.lasts)]
        for begin, end in spans:
            yield begin, lambda: self._stop(victims)
            yield end, lambda: self._go_on(victims)

    def _link(self, host: str) -> Link:
        place = layout(self._directory)
        current = state_file.read(place)
        if current is None:
            raise UnknownNameError(f"there is no cluster in {place.directory}")
        return link(place.directory, current, host)

    def _break(self, its_link: Link, action: Action) -> None:
        self._broken.append(its_link)
        ways = {
            Action.CUT: its_link.cut,
            Action.ISOLATE: its_link.cut,
            Action.MUTE: its_link.drop_outgoing,
            Action.DEAFEN: its_link.drop_incoming,
            Action.SILENCE: its_link.drop_all,
            Action.LOSE: its_link.lose,
            Action.THROTTLE: its_link.throttle,
        }
        ways[action]()

    def _start(self, clone: Clone) -> None:
        self._clones.append(clone)
        clone.start()

    def _refuse(self, admission: Admission) -> None:
        self._refused.append(admission)
        admission.refuse()

    def _harm_by(self, fault: Fault) -> None:
        if not self._is_harmed_by(fault):
            self.skipped.append(fault)

    def _is_harmed_by(self, fault: Fault) -> bool:
        """Inject a fault that needs more than a signal; return whether this succeeded."""
        name, harm = fault.part.name, self._harm
        if fault.part.kind is Kind.HOST:
            if fault.action is Action.REBOOT:
                return harm.reboot(name, self._all_tasks())
            return harm.steal_free_ports(name)
        task = self._tasks[name]
        if fault.action is Action.REUSE_PID:
            return harm.reuse_pid(task)
        if fault.action is Action.STEAL_PORTS:
            return harm.steal_ports_of(task)
        return harm.damage(task, fault.action)

    def _all_tasks(self) -> list[ObservedTask]:
        return [task for each in self._before.environments.values() for task in each.tasks.values()]

    def _end(self, part: Part, victims: list[Process], number: signal.Signals) -> None:
        if part.kind in DAEMONS:
            kill_daemons(victims[:1])
        for victim in victims:
            victim.send(number)

    def _stop(self, victims: list[Process]) -> None:
        self._stopped += victims
        for victim in victims:
            victim.send(signal.SIGSTOP)

    def _go_on(self, victims: list[Process]) -> None:
        for victim in victims:
            victim.send(signal.SIGCONT)


def _slices(fault: Fault) -> list[tuple[float, float]]:
    count = max(1, int(fault.lasts / (2 * SLICE_S)))
    return [(fault.at + 2 * n * SLICE_S, fault.at + (2 * n + 1) * SLICE_S) for n in range(count)]
