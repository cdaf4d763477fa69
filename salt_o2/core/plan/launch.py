"""What an agent must know to start one task, and to speak with it."""

from dataclasses import dataclass, field

from salt_o2.core.states import ControlMode

GRACE_S = 1.0
"""Unless its template says otherwise."""
SHORTEST_GRACE_S, LONGEST_GRACE_S = 0.1, 60.0
"""A transition waits for the end of its tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a task must not exceed; 0 is no limit. One that exceeds memory or pids is ended, and named."""

    cpu: float = 0.0
    """Cores; more is not given, and nobody is ended for it."""
    memory_mb: float = 0.0
    pids: int = 0
    """Processes and threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One process as its task template and the plan want it (AliECS `common/cmdinfo.go`).

    With ``shell`` the value and the arguments are joined by blanks and given to ``/bin/sh -c``; without
    it the value is the program and every argument reaches it as it is.
    """

    mode: ControlMode
    value: str
    arguments: tuple[str, ...] = ()
    shell: bool = False
    env: tuple[str, ...] = ()
    """``NAME=VALUE`` entries, on top of the agent's own environment."""
    user: str = ""
    """The account the process runs as, of those that the host lists; empty means the first of them."""
    stdout: str = "none"
    stderr: str = "none"
    """``none``, ``stdout`` or ``all``."""
    control_port: int | None = None
    """Where its OCC server listens; ``None`` for basic tasks."""
    codec: str = "OCClite"
    """``OCC`` (protobuf) or ``OCClite`` (JSON); direct tasks always speak OCC."""
    ports: tuple[int, ...] = ()
    """TCP ports that it will bind: refused beforehand if somebody else has one."""
    limits: Limits = Limits()
    grace_s: float = field(default=GRACE_S, compare=False)
    """Seconds between SIGTERM and SIGKILL of a task without a control channel."""
    path: str = field(default="", compare=False)
    """The path of its role; with the next two, what control needs if it has lost everything else."""
    class_name: str = field(default="", compare=False)
    critical: bool = field(default=True, compare=False)
    ends_data: bool = field(default=False, compare=False)
    """Whether its end with exit code 0 is an end of the data although it is not critical; for a rebuild."""
    revision: str = field(default="", compare=False)
    """Of the templates that it was made from; the path, the class and this are what the pool needs, too."""

    @property
    def command_line(self) -> str:
        """The command as a person would type it."""
        return " ".join((self.value, *self.arguments))
