"""Paths of a private cluster.

<directory>/
  cluster.json          what was started: pids, ports, sockets (state_file.py)
  conf/                 SALT_CONFIG_DIR: master, and minion (the first one, for salt-call)
  master/, flp1/, ...   keys, caches and configuration of each daemon
  srv/                  the cluster's own file_roots and pillar_roots, in front of the packaged ones
  logs/                 for each daemon a log, and its terminal output
<run>/                  unix sockets: separate, because their paths may have 107 bytes at most
"""

from dataclasses import dataclass
from pathlib import Path

MARKER = "O2_CLUSTER"
"""Environment variable that all processes of a cluster carry; its value is the cluster's directory."""

SOCKET_NAME = "o2_control.ipc"
LINK_NAME = "o2_api.link"
API = "api"
"""Name of the daemon salt-api, which serves the HTTP interface."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the cluster in ``directory``."""

    directory: Path

    @property
    def record(self) -> Path:
        """File that records what was started."""
        return self.directory / "cluster.json"

    @property
    def conf(self) -> Path:
        """Directory for SALT_CONFIG_DIR."""
        return self.directory / "conf"

    @property
    def logs(self) -> Path:
        """Directory of the daemons' logs."""
        return self.directory / "logs"

    @property
    def srv(self) -> Path:
        """Directory of the cluster's own file and pillar roots."""
        return self.directory / "srv"

    @property
    def states(self) -> Path:
        """The cluster's own file root."""
        return self.srv / "salt"

    @property
    def pillar(self) -> Path:
        """The cluster's own pillar root."""
        return self.srv / "pillar"

    @property
    def templates(self) -> Path:
        """The cluster's own workflow and task templates, which take precedence over the packaged examples."""
        return self.srv / "o2"

    def home(self, daemon: str) -> Path:
        """Return the directory of one daemon: ``master`` or a minion's id."""
        return self.directory / daemon

    def agent(self, minion: str) -> Path:
        """Return the directory in which the agent of a minion stores its tasks."""
        return self.home(minion) / "agent"

    @property
    def database(self) -> Path:
        """Path of control's database."""
        return self.home("master") / "o2.sqlite"

    def keys(self, daemon: str) -> Path:
        """Return the directory of a daemon's keys."""
        return self.home(daemon) / "pki"

    def pidfile(self, daemon: str) -> Path:
        """Return the pid file of a daemon."""
        return self.home(daemon) / "daemon.pid"

    def boot_id(self, daemon: str) -> Path:
        """Return the file with the boot id of a daemon's host, where hosts have boot ids."""
        return self.home(daemon) / "boot_id"

    def claims(self, daemon: str) -> tuple[Path, Path]:
        """Return the files that mark a daemon as running (`salt/utils/parsers.py`)."""
        pidfile = self.pidfile(daemon)
        return pidfile, pidfile.with_name(f"process_responsibility_{pidfile.name}")

    def log(self, daemon: str) -> Path:
        """Return the daemon's log."""
        return self.logs / f"{daemon}.log"

    def old_log(self, daemon: str) -> Path:
        """Return the daemon's log of the previous start."""
        return self.logs / f"{daemon}.log.before"

    def output(self, daemon: str) -> Path:
        """Return the file with the daemon's terminal output: early errors, tracebacks."""
        return self.logs / f"{daemon}.out"

    def config_dir(self, daemon: str) -> Path:
        """Return the configuration directory of a daemon (``-c``)."""
        return self.conf if daemon in ("master", API) else self.home(daemon)


def layout(directory: str | Path) -> Layout:
    """Return the layout of ``directory``, which need not exist yet."""
    return Layout(Path(directory).expanduser().resolve())


def minion_names(count: int) -> tuple[str, ...]:
    """Return the ids of ``count`` minions: flp1, flp2, ..."""
    return tuple(f"flp{number}" for number in range(1, count + 1))
