"""Resources that all tasks of a host share."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.device.session import OpenChannel
from salt_o2.agent.launch import environment_variables
from salt_o2.agent.launch.accounts import Accounts, uids
from salt_o2.agent.launch.start_limiter import StartLimiter
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.agent.process.terminations import Terminations
from salt_o2.core.ids import HostId
from salt_o2.linux import cgroup
from salt_o2.linux.kernel import LINUX, Kernel

CONTROL_ADDRESS = "O2_CONTROL_ADDRESS"
"""Passes this project's devices the addresses at which they show that they run.

FairMQ devices listen everywhere.
"""
CONTROL_SOCKET = "O2_CONTROL_SOCKET"
"""Passes this project's devices the path of the Unix socket where they accept requests."""


@dataclass(slots=True, kw_only=True)
class HostResources:
    """Resources that all tasks of one agent share."""

    name: HostId
    environment_variables: dict[str, str] = field(
        default_factory=lambda: environment_variables.of_agent(os.environ)
    )
    """The environment variables that processes of tasks inherit."""
    start_limiter: StartLimiter = field(default_factory=StartLimiter)
    terminations: Terminations = field(default_factory=Terminations)
    polling_budget: PollingBudget = field(default_factory=PollingBudget)
    accounts: Accounts = field(default_factory=Accounts)
    """The accounts that tasks may use."""
    kernel: Kernel = LINUX
    open_channel: OpenChannel | None = None
    """Opens the control channel of a device; the default connects to its port."""
    process_scan: ProcessScan = field(init=False)
    claims: dict[int, str] = field(default_factory=dict)
    """The TCP ports of running tasks, each with its task."""
    outputs_every_s: float = 1.0
    """How often the sizes of all outputs are checked."""
    port_ranges: tuple[tuple[int, int], ...] = ()
    """First and last port of each range that placement may give out on this host."""
    address: str = ""
    """The address at which devices show that they run: control probes the liveness of tasks there."""
    groups: Path | None = field(default_factory=cgroup.base)
    """The directory below which control groups of tasks are created, if any."""
    tasks: Path | None = None
    """The directory that holds the directories of this agent's tasks."""
    may_have_orphans: bool = False
    """Whether processes of tasks without a record may run: a new task must look for its own first."""
    task_directories: set[Path] = field(default_factory=set)
    """The directories of running tasks: a process that carries another one of this agent is orphaned."""

    def __post_init__(self) -> None:
        """Trust the marks of processes that an account of tasks owns."""
        self.process_scan = ProcessScan(lambda: uids(self.accounts.listed), self.kernel)
