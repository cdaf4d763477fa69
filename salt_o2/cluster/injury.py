"""Carries out the faults of one round on the processes of a private cluster, and ends them in time."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from salt_o2.cluster import record
from salt_o2.cluster.faults import Action, Fault, Kind, Part
from salt_o2.cluster.killing import kill_daemons
from salt_o2.cluster.layout import layout
from salt_o2.cluster.links import Link, link
from salt_o2.cluster.parts import agent_pid, control_pid, daemon
from salt_o2.cluster.process import Process, members, start_time
from salt_o2.core.errors import UnknownName

SLICE_S = 0.05
DAEMONS = (Kind.MASTER, Kind.MINION)

Deed = tuple[float, Callable[[], None]]


class Injury:
    """One round on the cluster in ``directory``; ``tasks`` are the pids by the paths of their roles."""

    def __init__(self, directory: str | Path, tasks: Mapping[str, int]) -> None:
        """Prepare; nothing is done yet."""
        self._directory, self._tasks = directory, tasks
        self._stopped: list[Process] = []
        self._broken: list[Link] = []

    def inflict(self, faults: Sequence[Fault]) -> None:
        """Carry out ``faults`` at their times; return when all have ended."""
        victims = {fault.part: self._processes(fault.part) for fault in faults}
        deeds = [deed for fault in faults for deed in self._deeds(fault, victims[fault.part])]
        begin = time.monotonic()
        try:
            for at, do in sorted(deeds, key=lambda deed: deed[0]):
                time.sleep(max(0.0, begin + at - time.monotonic()))
                do()
        finally:
            self._go_on(self._stopped)
            for each in self._broken:
                each.heal()

    def _processes(self, part: Part) -> list[Process]:
        """Return the processes of a part as they are now, the leader of a daemon first."""
        if part.kind in DAEMONS:
            leader = daemon(self._directory, part.name or "master")
            return [leader, *members(leader)] if leader else []
        pid = self._pid(part)
        started = start_time(pid) if pid else None
        return [Process(str(part), pid, started)] if pid and started else []

    def _pid(self, part: Part) -> int | None:
        if part.kind is Kind.TASK:
            return self._tasks.get(part.name)
        if part.kind is Kind.AGENT:
            return agent_pid(self._directory, part.name)
        return control_pid(self._directory) if part.kind is Kind.CONTROL else None

    def _deeds(self, fault: Fault, victims: list[Process]) -> Iterator[Deed]:
        if fault.part.kind is Kind.LINK:
            its_link = self._link(fault.part.name)
            yield fault.at, lambda: self._break(its_link, fault.action)
            yield fault.at + fault.lasts, its_link.heal
            return
        if fault.action is Action.KILL:
            yield fault.at, lambda: self._kill(fault.part, victims)
            return
        spans = _slices(fault) if fault.action is Action.SLOW else [(fault.at, fault.at + fault.lasts)]
        for begin, end in spans:
            yield begin, lambda: self._stop(victims)
            yield end, lambda: self._go_on(victims)

    def _link(self, host: str) -> Link:
        place = layout(self._directory)
        current = record.read(place)
        if current is None:
            raise UnknownName(f"there is no cluster in {place.directory}")
        return link(place.directory, current, host)

    def _break(self, its_link: Link, action: Action) -> None:
        self._broken.append(its_link)
        ways = {
            Action.CUT: its_link.cut,
            Action.ISOLATE: its_link.cut,
            Action.MUTE: its_link.mute,
            Action.DEAFEN: its_link.deafen,
            Action.SILENCE: its_link.silence,
            Action.LOSE: its_link.lose,
            Action.THROTTLE: its_link.throttle,
        }
        ways[action]()

    def _kill(self, part: Part, victims: list[Process]) -> None:
        if part.kind in DAEMONS:
            kill_daemons(victims[:1])
        for victim in victims:
            victim.send(signal.SIGKILL)

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
