"""What a task writes: from control, or, while control has no such verb, by the Salt job that a person gives.

salt flp2 o2.log TASK lines=20
"""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from salt_o2.cli.terminal import Terminal
from salt_o2.cli.where import config_dir
from salt_o2.core.errors import InvalidRequest, TaskError, UnknownName, Unreachable

JOB_TIMEOUT_S = 30


def task_log(terminal: Terminal, identity: str, lines: int) -> dict[str, Any]:
    """Return the last ``lines`` lines of a task: ``task``, ``host``, ``stdout`` and ``stderr``.

    Raises:
        UnknownName: if no living environment has that task.
        TaskError: if its host has no such output.
        Unreachable: if its host, or Salt, does not answer.
    """
    try:
        return dict(terminal.ask("task_log", {"id": identity, "lines": lines}))
    except InvalidRequest as error:
        if "no verb" not in str(error):
            raise
    host = _host_of(terminal, identity)
    said = _run_job(config_dir(terminal.config_dir), host, identity, lines)
    return {"task": identity, "host": host, "stdout": said["stdout"], "stderr": said["stderr"]}


def _host_of(terminal: Terminal, identity: str) -> str:
    for task in terminal.ask("task_list"):
        if task["id"] == identity:
            return str(task["host"])
    raise UnknownName(f"no living environment has a task {identity}; `coconut task list` shows all")


def _run_job(config: Path, host: str, identity: str, lines: int) -> dict[str, list[str]]:
    words = ["-c", str(config), "--out=json", "--static", host, "o2.log", identity, f"lines={lines}"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            [_salt(), *words], capture_output=True, text=True, timeout=JOB_TIMEOUT_S, check=False, env=environ
        )
        answer = json.loads(done.stdout)[host]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
        raise Unreachable(f"{host} has not answered o2.log {identity} through {config}: {error}") from error
    if not isinstance(answer, dict):
        raise TaskError(f"{host} has no output of task {identity}: {answer}")
    return answer


def _salt() -> str:
    return shutil.which("salt", path=sysconfig.get_path("scripts")) or shutil.which("salt") or "salt"
