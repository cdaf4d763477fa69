"""Where everything of a private cluster lies.

<directory>/
  cluster.json          what was started: pids, ports, sockets (state_file.py)
  conf/                 SALT_CONFIG_DIR: master, and minion (the first one, for salt-call)
  master/, flp1/, ...   keys, caches and configuration of each daemon
  srv/                  file_roots and pillar_roots of one's own, in front of the packaged ones
  logs/                 one log for each daemon, and what it wrote to its terminal
<run>/                  unix sockets: their paths may have 107 bytes at most, so they lie apart
"""

from dataclasses import dataclass
from pathlib import Path

MARKER = "O2_CLUSTER"
"""Environment variable that all processes of a cluster carry; its value is the cluster's directory."""

SOCKET_NAME = "o2_control.ipc"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the cluster in ``directory``."""

    directory: Path

    @property
    def record(self) -> Path:
        """The file that says what was started."""
        return self.directory / "cluster.json"

    @property
    def conf(self) -> Path:
        """The folder for SALT_CONFIG_DIR."""
        return self.directory / "conf"

    @property
    def logs(self) -> Path:
        """The folder of the daemons' logs."""
        return self.directory / "logs"

    @property
    def srv(self) -> Path:
        """The folder of what the cluster serves of its own."""
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
        """The cluster's own workflow and task templates, found before the packaged examples."""
        return self.srv / "o2"

    def home(self, daemon: str) -> Path:
        """Return the folder that belongs to one daemon: ``master`` or a minion's id."""
        return self.directory / daemon

    def agent(self, minion: str) -> Path:
        """Return where the agent of a minion keeps its tasks."""
        return self.home(minion) / "agent"

    @property
    def database(self) -> Path:
        """Where control keeps its environments."""
        return self.home("master") / "o2.sqlite"

    def keys(self, daemon: str) -> Path:
        """Return where a daemon keeps its keys."""
        return self.home(daemon) / "pki"

    def pidfile(self, daemon: str) -> Path:
        """Return where a daemon writes its pid."""
        return self.home(daemon) / "daemon.pid"

    def boot_id(self, daemon: str) -> Path:
        """Return the file with the id of the last boot of a daemon's host, where hosts have boots."""
        return self.home(daemon) / "boot_id"

    def claims(self, daemon: str) -> tuple[Path, Path]:
        """Return the files by which a daemon says that it runs (`salt/utils/parsers.py`)."""
        pidfile = self.pidfile(daemon)
        return pidfile, pidfile.with_name(f"process_responsibility_{pidfile.name}")

    def log(self, daemon: str) -> Path:
        """Return the daemon's log."""
        return self.logs / f"{daemon}.log"

    def old_log(self, daemon: str) -> Path:
        """Return the daemon's log of the start before."""
        return self.logs / f"{daemon}.log.before"

    def output(self, daemon: str) -> Path:
        """Return what the daemon wrote to its terminal: early errors, tracebacks."""
        return self.logs / f"{daemon}.out"

    def config_dir(self, daemon: str) -> Path:
        """Return the folder to start a daemon with (``-c``)."""
        return self.conf if daemon == "master" else self.home(daemon)


def layout(directory: str | Path) -> Layout:
    """Return the layout of ``directory``, which need not exist yet."""
    return Layout(Path(directory).expanduser().resolve())


def minion_names(count: int) -> tuple[str, ...]:
    """Return the ids of ``count`` minions: flp1, flp2, ..."""
    return tuple(f"flp{number}" for number in range(1, count + 1))
