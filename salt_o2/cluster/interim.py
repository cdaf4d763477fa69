"""Readiness while there is no control engine yet: all minions answer a ping. Goes when the engine comes."""

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from salt_o2.cluster.layout import Layout
from salt_o2.cluster.record import Record
from salt_o2.core.errors import O2Error


def engine_is_missing() -> bool:
    """Whether an engine has not been written yet."""
    return not all(find_spec(f"salt_o2.engines.{name}") for name in ("o2_control", "o2_agent"))


def wait_for_pings(layout: Layout, record: Record, timeout_s: float, say: Callable[[str], None]) -> None:
    """Return when all minions answer."""
    deadline = time.monotonic() + timeout_s
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    salt = Path(sysconfig.get_path("scripts")) / "salt"
    command = [
        sys.executable,
        str(salt),
        "-c",
        str(layout.conf),
        "-t1",
        "--out=json",
        "--static",
        "*",
        "test.ping",
    ]
    while time.monotonic() < deadline:
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
        if all(f'"{minion}": true' in answer for minion in record.minions):
            say("all minions answer (no control engine yet)")
            return
    raise O2Error("minions do not answer " + json.dumps(record.minions))
