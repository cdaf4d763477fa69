"""Environment variables of a task: the agent's, then the defaults of O², then the template's."""

import pwd
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from salt_o2.agent.storage.task_directory import MARK
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.tasks.next_action import CONTROLLED

FOR_TASKS = (
    *("PATH", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "HOME", "USER", "LOGNAME", "SHELL"),
    *(
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "ROOT_INCLUDE_PATH",
        "FAIRMQ_PATH",
        "O2_CONTROL_ADDRESS",
        "O2_CLUSTER",
    ),
)
"""Patterns of the variables of the minion's service that tasks inherit. Other variables may be secrets, such
as a token or a proxy's password. A site lists more names in ``o2:task_environment``. O2_CLUSTER marks the
processes that a private cluster (`coconut cluster`) must end."""

NO_ARGUMENTS: Mapping[str, str] = {}
PATH_OF_SHIM = "/usr/bin:/bin:/usr/sbin:/sbin"
READ_ONLY = {"BASHOPTS", "EUID", "PPID", "SHELLOPTS", "UID"}


def of_agent(own: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """Return the agent's ``own`` variables that tasks inherit; ``more`` are patterns of the site.

    The directory of this Python comes first in PATH, so that ``o2-device`` is found.
    """
    patterns = (*FOR_TASKS, *more)
    env = {name: value for name, value in own.items() if any(fnmatchcase(name, one) for one in patterns)}
    bin_folder = str(Path(sys.executable).parent)
    env["PATH"] = ":".join(part for part in (bin_folder, env.get("PATH", "/usr/bin:/bin")) if part)
    return env


def task_env(
    launch: Launch,
    host: HostId,
    environment: EnvironmentId,
    inherited: Mapping[str, str],
    account: pwd.struct_passwd | None = None,
    arguments: Mapping[str, str] = NO_ARGUMENTS,
) -> dict[str, str]:
    """Return the variables for ``launch``: ``inherited`` from :func:`of_agent`, overridden by ``account``.

    O2_ROLE, O2_SYSTEM and O2_PARTITION have the values that AliECS gives them. OCC servers read their port
    from OCC_CONTROL_PORT first. A plain program or a hook, which has no control channel, gets the
    ``arguments`` of its order: ``run_number`` is O2_RUN_NUMBER.
    """
    env = dict(inherited)
    env |= {"O2_ROLE": host, "O2_SYSTEM": "FLP", "O2_PARTITION": environment}
    if launch.mode not in CONTROLLED:
        env |= {f"O2_{name.upper()}": value for name, value in arguments.items() if name.islower()}
    if account is not None:
        env |= {"USER": account.pw_name, "LOGNAME": account.pw_name, "HOME": account.pw_dir}
    env |= dict(entry.split("=", 1) for entry in launch.env)
    if launch.control_port is not None:
        env["OCC_CONTROL_PORT"] = str(launch.control_port)
    return env


def shim_env(home: str) -> dict[str, str]:
    """Return the variables of the shim of the task in ``home``, and of the account switch.

    Both run with the agent's rights, so they get no variable of a template. With ``LD_PRELOAD`` or
    ``LD_LIBRARY_PATH`` a task could take over the agent's account. The task's own variables are set after the
    switch to its account, see :func:`exports`.
    """
    return {"PATH": PATH_OF_SHIM, MARK: home}


def exports(env: Mapping[str, str]) -> bytes:
    """Return shell text that sets ``env``, without variables that no shell can set: :func:`can_be_set`."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in env.items() if can_be_set(name)]
    return "".join(lines).encode("utf-8", "surrogateescape")


def can_be_set(name: str) -> bool:
    """Return whether a shell accepts ``name`` for a variable; some names are read-only in bash."""
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None and name not in READ_ONLY
