"""Define what an agent needs to start one task and to control it."""

from dataclasses import dataclass, field

from salt_o2.core.states import ControlMode

GRACE_S = 1.0
"""The grace period of a task template that sets none, in seconds."""
SHORTEST_GRACE_S, LONGEST_GRACE_S = 0.1, 60.0
"""A transition waits for the end of its tasks, so the grace period is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Resource limits of a task; 0 is no limit. A task that exceeds memory or pids is stopped and named."""

    cpu: float = 0.0
    """Cores; a task gets no more, and is not stopped for it."""
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
    """The account of the process, one of those that the host lists; empty means the first of them."""
    stdout: str = "none"
    stderr: str = "none"
    """``none``, ``stdout`` or ``all``."""
    control_port: int | None = None
    """The port of its OCC server; ``None`` for basic tasks."""
    codec: str = "OCClite"
    """``OCC`` (protobuf) or ``OCClite`` (JSON); direct tasks always speak OCC."""
    ports: tuple[int, ...] = ()
    """TCP ports that the task will bind; the agent refuses the launch if another program has one of them."""
    limits: Limits = Limits()
    grace_s: float = field(default=GRACE_S, compare=False)
    """Seconds between SIGTERM and SIGKILL of a task without a control channel."""
    path: str = field(default="", compare=False)
    """The path of its role; control needs this and the next two fields if its store is lost."""
    class_name: str = field(default="", compare=False)
    critical: bool = field(default=True, compare=False)
    ends_data: bool = field(default=False, compare=False)
    """Whether exit code 0 ends the data although the task is not critical; for reconstruction."""
    revision: str = field(default="", compare=False)
    """Revision of its templates; the pool also needs it, with the path and the class."""

    @property
    def command_line(self) -> str:
        """The command line in shell syntax."""
        return " ".join((self.value, *self.arguments))
