"""Inject the faults of a scenario into a simulated cluster, and heal them."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from random import Random
from typing import Any

from salt_o2.simulation.machine.device import STEP_NAMES, Behaviour, Device, Trouble
from salt_o2.simulation.machine.kernel import Shim
from salt_o2.simulation.machine.network import Event
from salt_o2.simulation.machine.process import Program
from salt_o2.simulation.programs.agent import SimulatedHost
from salt_o2.simulation.programs.cluster import Cluster
from salt_o2.simulation.scenario import Fault, FaultKind

FEW_WRITES = 12
"""A program that is killed at a write is killed at one of the next writes."""
FEW_TURNS = 400
"""A program that is killed midway runs at most this many callbacks more."""
TROUBLE_FOR = 6
"""Processes of a host that start after a fault of their device, of which one is affected."""


class Injection:
    """The faults of one simulation."""

    def __init__(self, cluster: Cluster) -> None:
        """Inject into ``cluster``."""
        self._cluster = cluster
        self._healing: list[Callable[[], None]] = []
        self._troubles: dict[str, list[Behaviour]] = {}
        self.touched: dict[str, float] = {}
        """The hosts whose processes a fault may have ended or replaced, with the time of the fault."""
        self.damaged: set[str] = set()
        """The hosts whose files a fault has damaged."""
        cluster.draw_behaviour = self._behaviour

    def inject(self, fault: Fault) -> None:
        """Let ``fault`` happen now."""
        cluster, rng = self._cluster, Random(fault.draw)
        host = cluster.hosts[fault.host]
        cluster.trace.add(f"fault: {fault.kind} ({fault.host}, {fault.lasts_s:.1f} s)")
        match fault.kind:
            case FaultKind.CONTROL_KILLED:
                self._kill_control(rng)
            case FaultKind.CONTROL_KILLED_MIDWAY:
                self._count_down(cluster.control.program, rng)
            case FaultKind.CONTROL_DIES_WRITING:
                self._count_writes(cluster.control.program, rng)
            case FaultKind.CONTROL_FROZEN:
                self._freeze(cluster.control.program, fault.lasts_s)
            case FaultKind.AGENT_KILLED:
                cluster.restart_agent(host, rng.uniform(0.1, 3.0))
            case FaultKind.AGENT_KILLED_MIDWAY:
                self._count_down(host.program, rng)
            case FaultKind.AGENT_DIES_WRITING:
                self._count_writes(host.program, rng)
            case FaultKind.AGENT_FROZEN:
                self._freeze(host.program, fault.lasts_s)
            case FaultKind.AGENT_AWAY:
                cluster.restart_agent(host, fault.lasts_s)
            case FaultKind.HOST_REBOOTED:
                self._touch(fault.host)
                self._reboot(host, fault.lasts_s)
            case FaultKind.HOST_CUT_OFF:
                self._touch(fault.host)
                cluster.network.cut_addresses.add(host.address)
                self._heal_later(fault.lasts_s, lambda: cluster.network.cut_addresses.discard(host.address))
                self._set_link(fault, is_down_cut=True, is_up_cut=True)
            case FaultKind.LINK_CUT:
                self._set_link(fault, is_down_cut=True, is_up_cut=True)
            case FaultKind.COMMANDS_CUT:
                self._set_link(fault, is_down_cut=True)
            case FaultKind.REPORTS_CUT:
                self._set_link(fault, is_up_cut=True)
            case FaultKind.MASTER_AWAY:
                cluster.network.is_master_away = True
                self._heal_later(fault.lasts_s, self._master_returns)
            case FaultKind.LINK_LOSSY:
                self._set_link(fault, loss=rng.uniform(0.1, 0.9))
            case FaultKind.LINK_SLOW:
                self._set_link(fault, slow=10 ** rng.uniform(1.0, 3.0))
            case FaultKind.MESSAGES_TWICE:
                self._set_link(fault, duplication=rng.uniform(0.2, 1.0))
            case FaultKind.PROCESS_CRASHED:
                self._crash_one(host, rng)
            case FaultKind.PID_TAKEN:
                self._take_pid(host, rng)
            case FaultKind.DEVICE_TROUBLE:
                self._plan_trouble(fault.host, rng)
            case FaultKind.CONTROL_CLOCK_JUMP:
                if cluster.control.program is not None:
                    cluster.control.program.clock_offset_s += rng.choice((-1, 1)) * 10 ** rng.uniform(-1, 1.5)
            case FaultKind.RECORDS_LOST:
                self._touch(fault.host)
                self._lose_records(host, rng)
            case FaultKind.DISK_FULL:
                self._touch(fault.host)
                self._fill_disk(host, fault.lasts_s)
            case FaultKind.CLOCK_JUMP:
                host.clock_offset_s = rng.choice((-1, 1)) * 10 ** rng.uniform(0.0, 4.0)
                if host.program is not None:
                    host.program.clock_offset_s = host.clock_offset_s
            case FaultKind.FILE_DAMAGED:
                self._touch(fault.host)
                self._damage(host, rng)
            case FaultKind.STORE_LOCKED:
                self._lock_store(fault.lasts_s)
            case FaultKind.STORE_FULL:
                self._fill_store(fault.lasts_s)
            case FaultKind.STRANGERS:
                for _ in range(rng.randint(1, 12)):
                    port = rng.choice((0, 30000 + rng.randrange(8), 9000 + rng.randrange(8)))
                    host.kernel.add_stranger(rng.uniform(1.0, 60.0), port)
            case FaultKind.STALE_MESSAGES:
                for _ in range(rng.randint(1, 30)):
                    cluster.network.send_again(rng)
            case FaultKind.HOSTILE_MESSAGE:
                self._send_garbage(host, rng)
            case FaultKind.MINION_COPIED:
                self._copy_minion(host, fault.lasts_s)

    def heal_all(self) -> None:
        """End all faults that last."""
        for heal in self._healing:
            heal()
        self._healing.clear()
        self._troubles.clear()
        cluster = self._cluster
        cluster.trace.add("all faults end")
        for program in (cluster.control.program, *(host.program for host in cluster.machines)):
            if program is not None:
                program.turns_left = program.writes_left = None
        if cluster.control.program is None:
            cluster.control.start()
        for host in cluster.hosts.values():
            if host.program is None:
                host.start_agent()

    # --- kinds of faults ------------------------------------------------------------------------

    def _kill_control(self, rng: Random) -> None:
        if self._cluster.control.program is not None:
            self._cluster.restart_control(rng.uniform(0.1, 3.0))

    def _count_down(self, program: Program | None, rng: Random) -> None:
        if program is not None:
            program.turns_left = rng.randrange(FEW_TURNS)

    def _count_writes(self, program: Program | None, rng: Random) -> None:
        if program is not None:
            program.writes_left, program.dies_after_write = rng.randrange(FEW_WRITES), rng.random() < 0.5

    def _fill_disk(self, host: SimulatedHost, lasts_s: float) -> None:
        def empty() -> None:
            host.is_disk_full = False
            if host.program is not None:
                host.program.is_disk_full = False

        self.damaged.add(host.name)
        host.is_disk_full = True
        if host.program is not None:
            host.program.is_disk_full = True
        self._heal_later(lasts_s, empty)

    def _freeze(self, program: Program | None, lasts_s: float) -> None:
        if program is not None and not program.frozen:
            program.frozen = True
            self._heal_later(lasts_s, lambda: self._thaw(program))

    def _thaw(self, program: Program) -> None:
        if program.frozen:
            self._cluster.trace.add(f"{program.name} continues")
            self._cluster.loop.thaw(program)

    def _reboot(self, host: SimulatedHost, down_s: float) -> None:
        if not host.kernel.is_up:
            return
        host.stop_agent()
        host.kernel.reboot()
        host.kernel.is_up = False
        self._heal_later(down_s, lambda: self._boot(host))

    def _boot(self, host: SimulatedHost) -> None:
        if not host.kernel.is_up:
            host.kernel.is_up = True
            self._cluster.trace.add(f"host {host.name} has booted")
            if host.program is None:
                host.start_agent()

    def _set_link(self, fault: Fault, **changes: Any) -> None:
        link = self._cluster.network.links[fault.host]
        before = {name: getattr(type(link)(), name) for name in changes}
        for name, value in changes.items():
            setattr(link, name, value)

        def restore() -> None:
            for name, value in before.items():
                setattr(link, name, value)

        self._heal_later(fault.lasts_s, restore)

    def _master_returns(self) -> None:
        self._cluster.network.is_master_away = False

    def _crash_one(self, host: SimulatedHost, rng: Random) -> None:
        running = [each for each in host.kernel.task_processes() if each.mark]
        if running:
            self._touch(host.name)
            host.kernel.crash(rng.choice(running))

    def _take_pid(self, host: SimulatedHost, rng: Random) -> None:
        """While no agent runs, end a task, and give the pid of its shim to another program."""
        shims = [each for each in host.kernel.task_processes() if isinstance(each.program, Shim)]
        if not shims:
            return
        self._touch(host.name)
        self._cluster.restart_agent(host, rng.uniform(1.0, 3.0))
        shim = rng.choice(shims)
        for each in host.kernel.task_processes():
            if each.group_key is shim.group_key:
                host.kernel.crash(each, signal.SIGKILL)
        host.kernel.add_stranger(rng.uniform(10.0, 100.0), pid=shim.pid)

    def _plan_trouble(self, host: str, rng: Random) -> None:
        self._touch(host)
        trouble = rng.choice([each for each in Trouble if each is not Trouble.NONE])
        behaviour = Behaviour(trouble, rng.choice(STEP_NAMES), 10 ** rng.uniform(-1.0, 1.7))
        self._troubles.setdefault(host, []).append(behaviour)

    def _behaviour(self, host: str) -> Behaviour:
        planned = self._troubles.get(host)
        return planned.pop(0) if planned else Behaviour()

    def _damage(self, host: SimulatedHost, rng: Random) -> None:
        """Damage a file of the agent while it does not run, as a power cut does."""
        self.damaged.add(host.name)
        self._cluster.restart_agent(host, rng.uniform(0.1, 3.0))
        files = sorted(
            path
            for pattern in ("tasks/*/task.json", "orders/*.json", "ended", "last_run")
            for path in host.directory.glob(pattern)
        )
        if files:
            path = rng.choice(files)
            content = path.read_bytes()
            damaged = content[: rng.randrange(len(content) + 1)]
            path.write_bytes(rng.choice((damaged, b"", os.urandom(len(content)))))

    def _lose_records(self, host: SimulatedHost, rng: Random) -> None:
        """Remove the directory of a task while no agent runs."""
        self.damaged.add(host.name)
        self._cluster.restart_agent(host, rng.uniform(0.1, 3.0))
        folders = sorted(host.directory.glob("tasks/*"))
        if folders:
            shutil.rmtree(rng.choice(folders))

    def _lock_store(self, lasts_s: float) -> None:
        path = self._cluster.folder / "o2.sqlite"
        if not path.exists():
            return
        holder = sqlite3.connect(path, timeout=0.0, isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            holder.close()
            return

        def release() -> None:
            holder.close()

        self._heal_later(min(lasts_s, 20.0), release)

    def _fill_store(self, lasts_s: float) -> None:
        control = self._cluster.control

        def empty() -> None:
            control.is_store_full = False

        control.is_store_full = True
        self._heal_later(lasts_s, empty)

    def _send_garbage(self, host: SimulatedHost, rng: Random) -> None:
        """Send garbage, changed messages and messages of other hosts under the name of ``host``."""
        network = self._cluster.network
        bodies: list[Any] = [
            {"sealed": rng.randbytes(64)},
            {"hello": rng.randbytes(64)},
            {"report": {}},
            None,
            [1, 2],
            {"sealed": b""},
        ]
        for _, message in list(network.recent)[-rng.randint(1, 20) :]:
            if isinstance(message, Event):
                bodies += [message.data, changed(message.data, rng)]
            else:
                network.forge(host.name, changed(message, rng))
        for body in bodies:
            if network.master is not None:
                network.master.put(Event(f"salt/o2/agent/{host.name}".encode(), body))

    def _copy_minion(self, host: SimulatedHost, lasts_s: float) -> None:
        """Start a second minion of the same name: a machine that was cloned, with an agent without state."""
        if self._cluster.copy_minion(host) is not None:
            self._heal_later(lasts_s, lambda: self._remove_copy(host))

    def _remove_copy(self, host: SimulatedHost) -> None:
        self._cluster.trace.add(f"the copy of {host.name} is switched off")
        # Control may have given tasks to the copy while the host had none.
        if host.copy is not None and host.copy.kernel.task_processes():
            self._touch(host.name)
        self._cluster.remove_copy(host)

    def _touch(self, host: str) -> None:
        self.touched[host] = self._cluster.loop.time()

    def _heal_later(self, lasts_s: float, heal: Callable[[], None]) -> None:
        def once() -> None:
            if heal in self._healing:
                self._healing.remove(heal)
                heal()

        self._healing.append(heal)
        cluster = self._cluster
        cluster.loop.call_later(lasts_s, once, context=cluster.network.outside.copy())


def changed(message: Any, rng: Random) -> Any:
    """Return ``message`` with one bit of one of its texts or byte strings changed, or without one entry."""
    if isinstance(message, bytes) and message:
        place = rng.randrange(len(message))
        return message[:place] + bytes([message[place] ^ 1 << rng.randrange(8)]) + message[place + 1 :]
    if isinstance(message, str) and message:
        place = rng.randrange(len(message))
        return message[:place] + rng.choice("a0/*\0") + message[place + 1 :]
    if isinstance(message, dict) and message:
        key = rng.choice(list(message))
        if rng.random() < 0.1:
            return {name: value for name, value in message.items() if name != key}
        return message | {key: changed(message[key], rng)}
    if isinstance(message, list | tuple) and message:
        place = rng.randrange(len(message))
        return [*message[:place], changed(message[place], rng), *message[place + 1 :]]
    return rng.choice((None, -1, "", [], {}))


def devices_of(host: SimulatedHost) -> dict[str, Device]:
    """Return the devices of a host and of its copy that run, by the name of their task."""
    found = {}
    for machine in host.machines:
        for process in machine.kernel.task_processes():
            if isinstance(process.program, Device):
                found[process.mark.rpartition("/")[2]] = process.program
    return found
