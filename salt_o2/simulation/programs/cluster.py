"""A whole simulated cluster: one control, some hosts, the network between them, and the log."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from salt_o2.sealing.identity import PrivateKey
from salt_o2.simulation.machine.device import Behaviour, Device, PlainProgram
from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.kernel import Running, SimulatedKernel
from salt_o2.simulation.machine.network import Link, Network
from salt_o2.simulation.machine.process import Program
from salt_o2.simulation.programs.agent import SimulatedHost
from salt_o2.simulation.programs.control import SimulatedControl
from salt_o2.simulation.programs.workflows import write_repository
from salt_o2.site.settings import Site

HEARTBEAT_S = 5.0
FEW_PIDS = (40, 80, 400)
"""How many pids a host has: few, so that a pid is soon given again."""
NETWORK, COPIES = "203.0.113", "198.51.100"
"""Addresses for documentation (RFC 5737): no machine has them."""


@dataclass(slots=True)
class Trace:
    """What happened, one line for each event, with the virtual time."""

    loop: VirtualLoop
    lines: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Add one line."""
        self.lines.append(f"{self.loop.time():12.6f}  {text}")


@functools.cache
def key(name: str) -> PrivateKey:  # noqa: ARG001  each name has its own key
    """Return the key of a host or of the master; it does not influence what happens."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return PrivateKey.of(rsa.generate_private_key(65537, 2048))


class Cluster:
    """The simulated cluster."""

    def __init__(self, loop: VirtualLoop, rng: Random, folder: Path, hosts: int) -> None:
        """Build ``hosts`` hosts and a master in ``folder``; nothing runs yet."""
        self.loop, self.rng, self.folder = loop, rng, folder
        self.trace = Trace(loop)
        self.broken: list[str] = []
        """Loops of agents and of control that have ended."""
        self.network = Network(loop, Random(rng.getrandbits(64)))
        loop.connect = self.network.connect
        loop.killed = self.program_killed
        self.copies: list[SimulatedHost] = []
        """All copies of minions that ever ran."""
        self.draw_behaviour: Callable[[str], Behaviour] = lambda _host: Behaviour()
        site = Site(repositories=(str(write_repository(folder / "site")),), heartbeat_s=HEARTBEAT_S)
        names = [f"flp{number}" for number in range(1, hosts + 1)]
        accepted = {name: key(name).public for name in names}
        self.control = SimulatedControl(
            site, folder / "o2.sqlite", self.network, key("master"), accepted, self.broken.append
        )
        self.hosts = {name: self._host(number, name) for number, name in enumerate(names, 1)}
        self.control.died = self.program_died
        self.control.no_database = lambda: self.restart_control(1.0)
        self.network.deliver_job = self._deliver_job

    def _host(self, number: int, name: str) -> SimulatedHost:
        self.network.links[name] = Link()
        return self._machine(name, name, f"{NETWORK}.{number}")

    def copy_minion(self, host: SimulatedHost) -> SimulatedHost | None:
        """Start another machine whose minion has the name and the keys of ``host``; ``None`` if one runs."""
        if host.copy is not None:
            return None
        number = len(self.copies) + 1
        host.copy = self._machine(host.name, f"{host.name}-copy-{number}", f"{COPIES}.{number}")
        self.copies.append(host.copy)
        host.copy.start_agent()
        return host.copy

    def remove_copy(self, host: SimulatedHost) -> None:
        """Switch the copy of ``host`` off for good."""
        copy, host.copy = host.copy, None
        if copy is not None:
            copy.stop_agent()
            copy.kernel.reboot()
            copy.kernel.is_up = False

    def _machine(self, name: str, folder: str, address: str) -> SimulatedHost:
        pids = self.rng.choice(FEW_PIDS)
        kernel = SimulatedKernel(self.loop, Random(self.rng.getrandbits(64)), folder, self._program, pids)
        self.network.kernels[address] = kernel
        return SimulatedHost(
            name,
            address,
            self.folder / folder,
            self.network,
            kernel,
            Random(self.rng.getrandbits(64)),
            (key(name), key("master").public),
            HEARTBEAT_S,
            self.broken.append,
        )

    def _program(self, kernel: SimulatedKernel, words: list[str]) -> Running:
        behaviour = self.draw_behaviour(kernel.host)
        if "--control-port" in words:
            port = int(words[words.index("--control-port") + 1])
            return Device(kernel, Random(self.rng.getrandbits(64)), port, behaviour)
        return PlainProgram(kernel, behaviour)

    def _deliver_job(self, host: str, body: object) -> None:
        for machine in self.hosts[host].machines:
            machine.deliver_job(body)

    @property
    def machines(self) -> list[SimulatedHost]:
        """All machines with an agent: hosts and copies of them."""
        return [machine for host in self.hosts.values() for machine in host.machines]

    def start(self) -> None:
        """Start control and all agents."""
        self.control.start()
        for host in self.hosts.values():
            host.start_agent()

    def program_killed(self, program: Program) -> None:
        """Kill ``program``, whose countdown has ended, and let its supervisor start another one."""
        if program is self.control.program:
            self.restart_control(self.rng.uniform(0.5, 3.0))
        for host in self.machines:
            if program is host.program:
                self.restart_agent(host, self.rng.uniform(0.5, 3.0))

    def program_died(self, program: Program) -> None:
        """Kill ``program`` in the middle of a function; the rest follows when the function has ended."""
        program.alive = False
        self._later(0.0, self.program_killed, program)

    def restart_control(self, away_s: float) -> None:
        """Kill control; another one starts after ``away_s`` seconds."""
        self.trace.add("control is killed")
        self.control.stop()
        self._later(away_s, self._start_control)

    def _start_control(self) -> None:
        if self.control.program is None:
            self.trace.add("control is started")
            self.control.start()

    def restart_agent(self, host: SimulatedHost, away_s: float) -> None:
        """Kill the agent of ``host``; another one starts after ``away_s`` seconds."""
        self.trace.add(f"the agent on {host.name} is killed")
        host.stop_agent()
        self._later(away_s, self._start_agent, host)

    def _start_agent(self, host: SimulatedHost) -> None:
        if host.program is None and host.kernel.is_up:
            self.trace.add(f"the agent on {host.name} is started")
            host.start_agent()

    def _later(self, delay_s: float, callback: Callable[..., None], *arguments: object) -> None:
        self.loop.call_later(delay_s, callback, *arguments, context=self.network.outside.copy())

    def close(self) -> None:
        """End all programs."""
        self.control.stop()
        for host in self.machines:
            host.stop_agent()

    def release_memory(self) -> None:
        """Release the memory of all programs that ever ran; the loop does not run any more."""
        machines = (*self.hosts.values(), *self.copies)
        for programs in (self.control.programs, *(host.programs for host in machines)):
            for program in programs:
                program.release_memory()
