"""Facts about a machine, and verdicts on them."""

from dataclasses import dataclass, field
from enum import StrEnum

Ports = tuple[int, int]


class Level(StrEnum):
    """Severity of a verdict."""

    OK = "ok"
    WARN = "warn"
    """Works now, but may fail later."""
    FAIL = "fail"
    """Does not work."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Subject of a check, the result, and the remedy if there is a problem."""

    check: str
    level: Level
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A Salt master or minion of this machine, as configured."""

    role: str
    """``master`` or ``minion``."""
    engine: str
    """Our engine that belongs into this daemon."""
    config: str
    """The file that was read."""
    engines: tuple[str, ...] = ()
    socket: str = ""
    """Socket of the engine."""
    socket_mode: int | None = None
    """Permissions of the socket; ``None`` if there is no socket."""
    socket_owner: str = ""
    pid: int | None = None
    """Process that listens on the socket."""
    silence: str = ""
    """Why the engine has not answered; empty if it has."""
    version: str = ""
    """Version of Salt O² of the engine, if it has answered."""
    tasks: int = 0
    faults: tuple[str, ...] = ()
    """Faults that the engine reports, one line each."""
    commands: tuple[tuple[str, str], ...] = ()
    """Tasks of the engine, each with the command line that every local user can read."""
    stored_at: str = ""
    """Directory or file in which the engine stores its persistent data, if known."""
    cache: str = ""
    """Salt's cache directory."""
    cordoned: tuple[str, ...] = ()
    """Hosts on which control places no new task, one line each."""
    unused: tuple[str, ...] = ()
    """Settings and stored data that the engine cannot use, one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A resource limit of a process; ``None`` is unlimited. Bytes, or a number of files."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """Facts about the machine."""

    python: tuple[int, int]
    executable: str
    salt: str
    """Version of Salt; empty if this Python has no Salt."""
    o2: str
    bytecode: bool
    """Whether Salt's modules are compiled."""
    daemons: tuple[Daemon, ...] = ()
    ports: dict[str, Ports] = field(default_factory=dict)
    private: dict[int, int] = field(default_factory=dict)
    """Control ports whose devices accept requests at a Unix socket instead, with the mode of the socket."""
    """Port ranges for tasks on a host, by name."""
    ephemeral: Ports = (32768, 60999)
    """Range from which the kernel assigns ports to outgoing connections."""
    reserved: tuple[Ports, ...] = ()
    """Ports of that range that the kernel does not assign (``net.ipv4.ip_local_reserved_ports``)."""
    listening: tuple[int, ...] = ()
    exposed: tuple[int, ...] = ()
    """Ports of those that listen on addresses other than the loopback."""
    confinement: str | None = ""
    """The kernel's rules of state o2.firewall; ``None`` if they cannot be read."""
    cgroup: str = ""
    """Directory of the agent's version-2 control group; empty if there is none."""
    cgroup_writable: bool = False
    controllers: tuple[str, ...] = ()
    limits: dict[str, Limit] = field(default_factory=dict)
    """Limits of the agent, or ours if there is no agent: ``memlock``, ``nofile``."""
    clock_synchronised: bool | None = None
    """``None`` if the kernel does not report it."""
