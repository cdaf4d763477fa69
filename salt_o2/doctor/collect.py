"""Collect facts of this machine: configuration files, sockets, /proc, the clock."""

import ctypes
import os
import platform
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

import psutil
import yaml

from salt_o2.client import agent_client, salt_paths
from salt_o2.client.control_client import ControlClient
from salt_o2.core.errors import O2Error
from salt_o2.doctor.parsers import merge, parse_ranges
from salt_o2.doctor.report import Daemon, Limit, MachineFacts, Ports
from salt_o2.linux import tcp_table, unix_socket

ENGINES = {"master": ("o2_control", "o2_control.ipc"), "minion": ("o2_agent", "o2_agent.ipc")}
DEFAULT_PORTS = {"control_ports": (30000, 32767), "channel_ports": (9000, 19999)}
PATIENCE_S = 5.0
PROC = Path("/proc")
TABLE = "o2_ports"
"""Name of the nftables table that state o2.firewall creates."""


def gather(config_dir: Path) -> MachineFacts:
    """Return the facts of this machine, whose Salt is configured in ``config_dir``."""
    options = {role: read_options(config_dir, role) for role in ENGINES if (config_dir / role).exists()}
    options |= {
        role: read_options(config_dir, role) for role in ENGINES if (config_dir / f"{role}.d").is_dir()
    }
    daemons = tuple(_daemon(role, given, config_dir) for role, given in options.items())
    agent = next((daemon.pid for daemon in daemons if daemon.role == "minion"), None) or os.getpid()
    cgroup = _cgroup(agent)
    listening = list(tcp_table.listening())
    return MachineFacts(
        python=sys.version_info[:2],
        executable=sys.executable,
        salt=_version("salt"),
        o2=_version("salt-o2"),
        bytecode=_salt_is_compiled(),
        daemons=daemons,
        ports={name: _ports(options.get("minion", {}), name) for name in DEFAULT_PORTS},
        ephemeral=_range(PROC / "sys/net/ipv4/ip_local_port_range"),
        reserved=parse_ranges(_read(PROC / "sys/net/ipv4/ip_local_reserved_ports")),
        listening=tuple(sorted({one.port for one in listening})),
        exposed=tuple(sorted({one.port for one in listening if one.is_exposed})),
        private=private_sockets(daemons),
        confinement=_confinement(),
        cgroup=str(cgroup or ""),
        cgroup_writable=cgroup is not None and os.access(cgroup, os.W_OK),
        controllers=tuple(_read(cgroup / "cgroup.controllers").split()) if cgroup else (),
        limits=limits_of(agent),
        clock_synchronised=clock_is_synchronised(),
    )


def read_options(config_dir: Path, role: str) -> dict[str, Any]:
    """Return Salt's options: the main file, overridden by its directory, whose lists are joined."""
    above: dict[str, Any] = {}
    for path in sorted((config_dir / f"{role}.d").glob("*.conf")):
        merge(above, _load(path))
    return {**_load(config_dir / role), **above}


def _daemon(role: str, options: dict[str, Any], config_dir: Path) -> Daemon:
    engine, name = ENGINES[role]
    path = salt_paths.sock_dir(options, Path("/var/run/salt") / role) / name
    owner, mode = _owner(path)
    answer, silence = _ask(role, path)
    return Daemon(
        role=role,
        engine=engine,
        config=str(config_dir),
        engines=tuple(_engines(options.get("engines") or ())),
        socket=str(path),
        socket_mode=mode,
        socket_owner=owner,
        pid=unix_socket.peer_pid(path),
        silence=silence,
        version=str(answer.get("version") or answer.get("facts", {}).get("version", "")),
        tasks=int(answer.get("tasks", 0)),
        faults=(*answer.get("faults", ()), *filter(None, [answer.get("refused"), answer.get("trouble")])),
        commands=_commands(role, path),
        stored_at=_stored_at(role, options, answer),
        cache=str(options.get("cachedir") or f"/var/cache/salt/{role}"),
        cordoned=tuple(answer.get("cordoned") or ()),
        unused=tuple(answer.get("unused") or answer.get("facts", {}).get("faults") or ()),
    )


def _commands(role: str, path: Path) -> tuple[tuple[str, str], ...]:
    if role == "master":
        return ()
    try:
        with agent_client.connect(path.parent, PATIENCE_S) as agent:
            return tuple((task["task"], task["command"]) for task in agent.tasks())
    except O2Error:
        return ()


def _stored_at(role: str, options: dict[str, Any], answer: dict[str, Any]) -> str:
    """Return the agent's directory or control's database file; empty if unknown."""
    ours = options.get("o2") or {}
    if role == "minion":
        return str(answer.get("directory") or ours.get("directory") or "")
    kind, _, path = str(ours.get("database") or "").partition(":///")
    return path if kind == "sqlite" else ""


def _engines(given: Any) -> list[str]:
    return [name for each in given for name in (each if isinstance(each, dict) else [each])]


def _ask(role: str, path: Path) -> tuple[dict[str, Any], str]:
    """Return the report of the engine at ``path`` about itself, or the reason why it does not answer."""
    try:
        if role == "master":
            with ControlClient(path) as control:
                return control.request("info", timeout_s=PATIENCE_S), ""
        with agent_client.connect(path.parent, PATIENCE_S) as agent:
            return agent.info(), ""
    except O2Error as error:
        return {}, str(error).partition(". ")[0]


def _owner(path: Path) -> tuple[str, int | None]:
    try:
        found = path.stat()
    except OSError:
        return "", None
    try:
        return pwd.getpwuid(found.st_uid).pw_name, found.st_mode & 0o777
    except KeyError:
        return str(found.st_uid), found.st_mode & 0o777


def _ports(options: dict[str, Any], name: str) -> Ports:
    block = options.get("o2")
    match block.get(name) if isinstance(block, dict) else None:
        case [int(low), int(high)]:
            return low, high
    return DEFAULT_PORTS[name]


def _cgroup(pid: int) -> Path | None:
    """Return the version-2 control group of a process (cgroups(7)), or None."""
    mounted = re.search(r"^\S+ (\S+) cgroup2 ", _read(PROC / "self/mounts"), re.MULTILINE)
    inside = re.search(r"^0::(\S+)", _read(PROC / f"{pid}/cgroup"), re.MULTILINE)
    if not mounted or not inside:
        return None
    return Path(mounted[1]) / inside[1].strip("/")


def private_sockets(daemons: Iterable[Daemon]) -> dict[int, int]:
    """Return the control ports of devices that listen at a Unix socket, with the mode of the socket.

    They are in the directories of the agent's tasks, which only root and the accounts of tasks can read.
    """
    found = {}
    for daemon in daemons:
        if daemon.role != "minion" or not daemon.stored_at:
            continue
        for path in Path(daemon.stored_at).glob("tasks/*/control/*"):
            with suppress(OSError):
                mode = path.lstat().st_mode
                if path.name.isdigit() and stat.S_ISSOCK(mode) and unix_socket.peer_pid(path) is not None:
                    found[int(path.name)] = stat.S_IMODE(mode)
    return found


def _confinement() -> str | None:
    """Return the kernel's rules of state o2.firewall; ``None`` if they cannot be read."""
    program = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        return None
    try:
        done = subprocess.run(
            [program, "list", "table", "inet", TABLE], capture_output=True, text=True, timeout=PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else ""


def limits_of(pid: int) -> dict[str, Limit]:
    """Return the limits of a process that affect tasks; none if it has ended or belongs to another user."""
    found = {}
    for name, number in (("memlock", psutil.RLIMIT_MEMLOCK), ("nofile", psutil.RLIMIT_NOFILE)):
        with suppress(psutil.Error, OSError):
            soft, hard = psutil.Process(pid).rlimit(number)
            found[name] = Limit(soft=_bounded(soft), hard=_bounded(hard))
    return found


def _bounded(limit: int) -> int | None:
    return None if limit == psutil.RLIM_INFINITY else limit


def _range(path: Path) -> Ports:
    words = _read(path).split()
    return (int(words[0]), int(words[1])) if len(words) == 2 else (32768, 60999)


def _salt_is_compiled() -> bool:
    found = find_spec("salt")
    return bool(found and found.origin and Path(cache_from_source(found.origin)).exists())


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(_read(path))
    except yaml.YAMLError:  # the daemon itself does not start then, and its log has the reason
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def system() -> str:
    """Return the machine's name and system, for the head of a report."""
    return f"{platform.node()}: {platform.system()} {platform.release()}"


TIME_ERROR = 5
"""Return value of adjtimex(2) while the clock is not synchronised."""
TIMEX_BYTES = 256
"""Size of the buffer for struct timex, which begins with ``modes``. All zero means read only."""


def clock_is_synchronised() -> bool | None:
    """Return whether the kernel reports a synchronised clock (adjtimex(2)); None if it does not report it."""
    if not sys.platform.startswith("linux"):
        return None
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return None if state < 0 else state != TIME_ERROR
