"""One simulated host: its kernel, its disk, and the agent that runs on it, from the real parts."""

import logging
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from salt_o2.agent.agent import Agent
from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.launch.accounts import Accounts
from salt_o2.agent.launch.start_limiter import StartLimiter
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.request_handlers import RequestHandlers
from salt_o2.bus.minion import Listener, MinionBus
from salt_o2.concurrency.background_loops import LoopEnded, run_together
from salt_o2.core.errors import O2Error
from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.sealing.identity import PrivateKey, PublicKey
from salt_o2.simulation.machine.kernel import SimulatedKernel
from salt_o2.simulation.machine.network import Network
from salt_o2.simulation.machine.occ_channel import SimulatedOccChannel
from salt_o2.simulation.machine.process import Program
from salt_o2.simulation.machine.salt_channels import SimulatedMinionChannels

log = logging.getLogger(__name__)
ACCOUNT = "root"
"""Tasks run as the agent itself, whatever account that is."""
CORES = 2


class SimulatedHost:
    """One host with an agent, as long as it is up."""

    def __init__(
        self,
        name: str,
        address: str,
        directory: Path,
        network: Network,
        kernel: SimulatedKernel,
        rng: Random,
        keys: tuple[PrivateKey, PublicKey],
        heartbeat_s: float,
        broken: Callable[[str], None],
    ) -> None:
        """Call ``broken`` with a sentence if a loop of the agent ends."""
        self.name, self.address, self.directory = name, address, directory
        self.network, self.kernel, self.rng = network, kernel, rng
        self._keys, self._heartbeat_s, self._broken = keys, heartbeat_s, broken
        self.program: Program | None = None
        self.agent: Agent | None = None
        self.bus: MinionBus | None = None
        self.starts = 0
        self.programs: list[Program] = []
        """All agents that ever ran: a dead one must stay in memory, see ``Program``."""
        self.clock_offset_s = 0.0
        self.is_disk_full = False
        self.copy: SimulatedHost | None = None
        """Another machine whose minion has the same name and keys, while there is one."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "key").write_text(f"key of {name}")

    @property
    def machines(self) -> "tuple[SimulatedHost, ...]":
        """The machines that use the name of the host: itself, and its copy if there is one."""
        return (self,) if self.copy is None else (self, self.copy)

    def start_agent(self) -> None:
        """Start the agent; tasks of an earlier one are adopted."""
        self.starts += 1
        self.kernel.add_agent()
        # The kernel releases the locks of a dead process. Here the dead process still holds its files open.
        (self.directory / "lock").unlink(missing_ok=True)
        self.program = Program(f"agent {self.starts} on {self.name}", self.clock_offset_s)
        self.programs.append(self.program)
        self.program.is_disk_full = self.is_disk_full
        self.program.start(self._run(), "agent")

    def stop_agent(self) -> None:
        """Kill the agent; tasks keep running."""
        program, self.program = self.program, None
        if program is not None:
            program.kill()
            listening = self.network.agents.get(self.name, [])
            listening[:] = [each for each in listening if each.program is not program]
            self.kernel.remove_agent()
        self.agent = self.bus = None

    async def _run(self) -> None:
        program = self.program
        assert program is not None
        self.agent = agent = self._make()
        channels = SimulatedMinionChannels(self.network, program, self.name, *self._keys)
        self.bus = bus = MinionBus({"id": self.name}, channels=channels)

        async def signed_in(_pillar: dict[str, Any]) -> None:
            agent.update_facts(self.facts())

        listener = Listener(
            incarnation=agent.reporter.incarnation,
            on_message=agent.accept_message,
            on_question=RequestHandlers(agent).answer,
            signed_in=signed_in,
            established=agent.survey,
        )
        try:
            await run_together({"agent": agent.run(), "bus": bus.run(listener)})
        except LoopEnded as error:
            self._broken(f"the agent on {self.name} ended: {error}")

    def _make(self) -> Agent:
        resources = HostResources(
            name=HostId(self.name),
            environment_variables={"PATH": "/opt/bin"},
            start_limiter=StartLimiter(most=6),
            polling_budget=PollingBudget(CORES),
            accounts=Accounts((ACCOUNT,)),
            groups=None,
            kernel=self.kernel,
            # No simulated task writes an output.
            outputs_every_s=10.0,
            open_channel=lambda port, codec, _socket: SimulatedOccChannel(self.kernel, self.rng, port, codec),
        )
        return Agent(
            HostId(self.name),
            self.directory,
            self.facts(),
            self._send,
            self._heartbeat_s,
            resources=resources,
        )

    async def _send(self, report: Any) -> None:
        assert self.bus is not None
        await self.bus.send(report)

    def facts(self) -> HostFacts:
        """Return what the host offers to placement."""
        return HostFacts(
            address=self.address,
            network=f"{self.kernel.boot_id()}:net",
            cpus=16,
            memory_mb=64_000,
            control_ports=(30000, 30040),
            channel_ports=(9000, 9060),
            version="simulated",
        )

    def deliver_job(self, job: Any) -> None:
        """Pass a Salt job to the agent, as the module ``o2.deliver`` of the minion does."""
        if self.program is not None and self.program.alive and self.bus is not None:
            self.program.start(self._deliver(self.bus, job), "a Salt job")

    async def _deliver(self, bus: MinionBus, job: Any) -> None:
        try:
            await bus.deliver(job)
        except O2Error as error:
            log.info("a job for %s was refused: %s", self.name, error)
