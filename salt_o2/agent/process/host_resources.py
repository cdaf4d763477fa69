"""What all tasks of a host share."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.launch import environment_variables
from salt_o2.agent.launch.accounts import Accounts, uids
from salt_o2.agent.launch.start_limiter import StartLimiter
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.agent.process.terminations import Terminations
from salt_o2.core.ids import HostId
from salt_o2.linux import cgroup

CONTROL_ADDRESS = "O2_CONTROL_ADDRESS"
"""Tells a device of ours where to listen beside the loopback; devices of FairMQ listen everywhere."""


@dataclass(slots=True, kw_only=True)
class HostResources:
    """What all tasks of one agent share."""

    name: HostId
    environment_variables: dict[str, str] = field(
        default_factory=lambda: environment_variables.of_agent(os.environ)
    )
    """What its processes inherit."""
    start_limiter: StartLimiter = field(default_factory=StartLimiter)
    terminations: Terminations = field(default_factory=Terminations)
    polling_budget: PollingBudget = field(default_factory=PollingBudget)
    accounts: Accounts = field(default_factory=Accounts)
    """Which accounts its tasks may have."""
    process_scan: ProcessScan = field(init=False)
    claims: dict[int, str] = field(default_factory=dict)
    """The TCP ports of living tasks, and whose they are."""
    port_ranges: tuple[tuple[int, int], ...] = ()
    """First and last port of each range that placement may give out on this host."""
    address: str = ""
    """Where devices listen beside the loopback: control asks there for signs of life of its tasks."""
    groups: Path | None = field(default_factory=cgroup.base)
    """Where control groups of tasks are made, if anywhere."""
    tasks: Path | None = None
    """The folder that holds the folders of this agent's tasks."""
    task_directories: set[Path] = field(default_factory=set)
    """The folders of living tasks: processes that carry another folder of this agent belong to no task."""

    def __post_init__(self) -> None:
        """Believe the marks of processes that an account of tasks owns."""
        self.process_scan = ProcessScan(lambda: uids(self.accounts.listed))
