"""The environment of a task's process: the agent's, the defaults of O², and the template's on top."""

import sys
from collections.abc import Mapping
from pathlib import Path

from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.launch import Launch

NOT_FOR_TASKS = {
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "MAINPID",
    "NOTIFY_SOCKET",
    "SYSTEMD_EXEC_PID",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
}
"""What systemd says to the minion's service and to nobody else."""


def of_agent(own: Mapping[str, str]) -> dict[str, str]:
    """Return what of the agent's ``own`` variables every task inherits.

    The folder of this Python comes first in PATH, so that ``o2-device`` is found.
    """
    env = {name: value for name, value in own.items() if not _is_noise(name)}
    bin_folder = str(Path(sys.executable).parent)
    env["PATH"] = ":".join(part for part in (bin_folder, env.get("PATH", "/usr/bin:/bin")) if part)
    return env


def task_env(
    launch: Launch, host: HostId, environment: EnvironmentId, inherited: Mapping[str, str], home: str = ""
) -> dict[str, str]:
    """Return the variables for ``launch``: ``inherited`` from :func:`of_agent`, ``home`` of ``launch.user``.

    O2_ROLE, O2_SYSTEM and O2_PARTITION are as AliECS gives them, OCC_CONTROL_PORT is what OCC's servers
    listen to above all.
    """
    env = dict(inherited)
    env |= {"O2_ROLE": host, "O2_SYSTEM": "FLP", "O2_PARTITION": environment}
    if launch.user and home:
        env |= {"USER": launch.user, "LOGNAME": launch.user, "HOME": home}
    env |= dict(entry.split("=", 1) for entry in launch.env)
    if launch.control_port is not None:
        env["OCC_CONTROL_PORT"] = str(launch.control_port)
    return env


def _is_noise(name: str) -> bool:
    return name in NOT_FOR_TASKS or name.startswith("SALT_")
