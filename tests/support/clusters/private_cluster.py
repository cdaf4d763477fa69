"""What integration tests do with the project's own private cluster."""

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salt_o2.client.control_client import ControlClient
from salt_o2.cluster.paths import layout
from salt_o2.cluster.state_file import HEARTBEAT_S
from salt_o2.where import packaged


def configure(directory: Path, o2: dict[str, Any], **options: Any) -> None:
    """Have the master of the cluster that ``up`` will start in ``directory`` read more options.

    Its ``o2:`` replaces the private cluster's own, so what that has by itself is written again.
    """
    place = layout(directory)
    usual = {
        "database": f"sqlite:///{place.database}",
        "repositories": [str(place.templates), str(packaged("examples"))],
        "heartbeat_s": HEARTBEAT_S,
    }
    file = place.conf / "none.d" / "more.conf"
    place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**options, "o2": {**usual, **o2}}))


@dataclass(frozen=True)
class PrivateCluster:
    """A cluster that is up: ask its control, run Salt's commands and coconut on it."""

    directory: Path
    config_dir: Path
    control_socket: Path
    minions: tuple[str, ...]
    pids: dict[str, int]

    @classmethod
    def of(cls, status: dict[str, Any]) -> "PrivateCluster":
        """The cluster that ``salt_o2.cluster.up`` has brought up."""
        return cls(
            directory=Path(status["directory"]),
            config_dir=Path(status["config_dir"]),
            control_socket=Path(status["control_socket"]),
            minions=tuple(status["minions"]),
            pids=status["pids"],
        )

    def ask(self, verb: str, timeout_s: float = 120, **arguments: Any) -> Any:
        """Ask control, as coconut and the runner do."""
        with ControlClient(self.control_socket) as control:
            return control.request(verb, arguments, timeout_s=timeout_s)

    def run(self, program: str, *words: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
        """Run one of Salt's commands, or coconut, on this cluster."""
        script = Path(sysconfig.get_path("scripts")) / program
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environ["SALT_CONFIG_DIR"] = str(self.config_dir)
        return subprocess.run(
            [sys.executable, str(script), *words],
            env=environ,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def json(self, program: str, *words: str, timeout_s: float = 180) -> Any:
        """Run a command that prints JSON and return what it printed."""
        option = "--json" if program == "coconut" else "--out=json"
        done = self.run(program, *words, option, timeout_s=timeout_s)
        assert done.returncode == 0, f"{program} {words}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)
