"""The facts that a machine is judged by, and the verdicts."""

from dataclasses import dataclass, field
from enum import StrEnum

Ports = tuple[int, int]


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works, but will not always."""
    FAIL = "fail"
    """It does not work."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was looked at, what was found, and what to do unless it is in order."""

    check: str
    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A Salt master or minion of this machine, by its configuration."""

    role: str
    """``master`` or ``minion``."""
    engine: str
    """Which engine of ours belongs into it."""
    config: str
    """The file that was read."""
    engines: tuple[str, ...] = ()
    socket: str = ""
    """Where the engine listens."""
    socket_mode: int | None = None
    """Its permissions; ``None`` if there is no socket."""
    socket_owner: str = ""
    pid: int | None = None
    """The process that listens there."""
    silence: str = ""
    """Why it has not answered; empty if it has."""
    version: str = ""
    """Its version of Salt O², if it has answered."""
    tasks: int = 0
    faults: tuple[str, ...] = ()
    """What it says is wrong, one line each."""
    commands: tuple[tuple[str, str], ...] = ()
    """Its tasks, each with the command line that every local user can read."""
    kept: str = ""
    """Where its engine keeps what it must not lose, if that is known and is a file or directory."""
    cache: str = ""
    """Salt's cache directory."""
    unused: tuple[str, ...] = ()
    """What of its settings and its store it cannot use, one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A resource limit of a process; ``None`` is unlimited. Bytes, or a number of files."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """What was found on the machine."""

    python: tuple[int, int]
    executable: str
    salt: str
    """Its version; empty if this Python has none."""
    o2: str
    bytecode: bool
    """Whether Salt lies there compiled."""
    daemons: tuple[Daemon, ...] = ()
    ports: dict[str, Ports] = field(default_factory=dict)
    """The ranges that a host gives to tasks, by name."""
    ephemeral: Ports = (32768, 60999)
    """From which the kernel gives ports to outgoing connections."""
    reserved: tuple[Ports, ...] = ()
    """Which of those it does not give (``net.ipv4.ip_local_reserved_ports``)."""
    listening: tuple[int, ...] = ()
    exposed: tuple[int, ...] = ()
    """Those of them that listen at other addresses than the loopback's."""
    confinement: str | None = ""
    """The rules of state o2.firewall that the kernel has; ``None`` if that cannot be told."""
    cgroup: str = ""
    """The directory of the agent's version-2 control group; empty if there is none."""
    cgroup_writable: bool = False
    controllers: tuple[str, ...] = ()
    limits: dict[str, Limit] = field(default_factory=dict)
    """The agent's, or ours if there is no agent: ``memlock``, ``nofile``."""
    clock_synchronised: bool | None = None
    """``None`` if the kernel does not tell."""
