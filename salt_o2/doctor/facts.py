"""Gathers what there is on this machine: configuration files, sockets, /proc, the clock."""

import os
import platform
import pwd
import re
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any

import yaml

from salt_o2 import salt_paths
from salt_o2.agent import client as agent_client
from salt_o2.control.client import ControlClient
from salt_o2.core.errors import O2Error
from salt_o2.doctor.findings import Daemon, Limit, MachineFacts, Ports
from salt_o2.doctor.kernel import clock_is_synchronised

ENGINES = {"master": ("o2_control", "o2_control.ipc"), "minion": ("o2_agent", "o2_agent.ipc")}
DEFAULT_PORTS = {"control_ports": (30000, 32767), "channel_ports": (9000, 19999)}
PATIENCE_S = 5.0
PROC = Path("/proc")
TABLE = "o2_ports"
"""The table of nftables that state o2.firewall makes."""
_LOOPBACK_6 = "00000000000000000000000001000000"
_MAPPED = "0000000000000000FFFF0000"


def gather(config_dir: Path) -> MachineFacts:
    """Return the facts of this machine, whose Salt is configured in ``config_dir``."""
    options = {role: read_options(config_dir, role) for role in ENGINES if (config_dir / role).exists()}
    options |= {
        role: read_options(config_dir, role) for role in ENGINES if (config_dir / f"{role}.d").is_dir()
    }
    daemons = tuple(_daemon(role, given, config_dir) for role, given in options.items())
    agent = next((daemon.pid for daemon in daemons if daemon.role == "minion"), None) or os.getpid()
    cgroup = _cgroup(agent)
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
        listening=tuple(sorted({*_listening("tcp"), *_listening("tcp6")})),
        exposed=tuple(sorted({*_listening("tcp", True), *_listening("tcp6", True)})),
        confinement=_confinement(),
        cgroup=str(cgroup or ""),
        cgroup_writable=cgroup is not None and os.access(cgroup, os.W_OK),
        controllers=tuple(_read(cgroup / "cgroup.controllers").split()) if cgroup else (),
        limits=parse_limits(_read(PROC / f"{agent}/limits")),
        clock_synchronised=clock_is_synchronised(),
    )


def read_options(config_dir: Path, role: str) -> dict[str, Any]:
    """Return what Salt reads: the main file, and above it all of its directory, whose lists are added up."""
    above: dict[str, Any] = {}
    for path in sorted((config_dir / f"{role}.d").glob("*.conf")):
        merge(above, _load(path))
    return {**_load(config_dir / role), **above}


def merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    """Merge maps key by key and add lists up, as Salt does with the files of one directory."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            into[key] = [*into[key], *value]
        else:
            into[key] = value


def parse_limits(text: str) -> dict[str, Limit]:
    """Return the limits that we care for, of the text of /proc/<pid>/limits (proc(5))."""
    names = {"memlock": "Max locked memory", "nofile": "Max open files"}
    found = {
        name: re.search(rf"^{title}\s+(\S+)\s+(\S+)", text, re.MULTILINE) for name, title in names.items()
    }
    return {
        name: Limit(soft=_number(match[1]), hard=_number(match[2])) for name, match in found.items() if match
    }


def parse_ranges(text: str) -> tuple[Ports, ...]:
    """Return the ranges of a list such as ``9000-19999,30000`` (ip-sysctl.rst, ip_local_reserved_ports)."""
    pairs = [part.partition("-") for part in text.strip().split(",") if part]
    return tuple((int(low), int(high or low)) for low, _, high in pairs)


def parse_listening(lines: Iterable[str], exposed: bool = False) -> set[int]:
    """Return the ports that /proc/net/tcp or tcp6 says are listened at (proc_net_tcp.rst: state 0A).

    With ``exposed`` only those at other addresses than the loopback's.
    """
    rows = [line.split() for line in lines]
    pairs = [row[1].rpartition(":") for row in rows if len(row) > 3 and row[3] == "0A"]
    return {int(port, 16) for address, _, port in pairs if not (exposed and _is_loopback(address))}


def _is_loopback(address: str) -> bool:
    """Return whether an address, in the kernel's words of four bytes, is 127.0.0.0/8 or ::1."""
    return address == _LOOPBACK_6 or (address.endswith("7F") and address[:-8] in ("", _MAPPED))


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
        pid=_listener(path),
        silence=silence,
        version=str(answer.get("version") or answer.get("facts", {}).get("version", "")),
        tasks=int(answer.get("tasks", 0)),
        faults=(*answer.get("faults", ()), *filter(None, [answer.get("refused"), answer.get("trouble")])),
        commands=_commands(role, path),
        kept=_kept(role, options, answer),
        cache=str(options.get("cachedir") or f"/var/cache/salt/{role}"),
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


def _kept(role: str, options: dict[str, Any], answer: dict[str, Any]) -> str:
    """Return the agent's directory, or the file of control's database; empty if it is not known."""
    ours = options.get("o2") or {}
    if role == "minion":
        return str(answer.get("directory") or ours.get("directory") or "")
    kind, _, path = str(ours.get("database") or "").partition(":///")
    return path if kind == "sqlite" else ""


def _engines(given: Any) -> list[str]:
    return [name for each in given for name in (each if isinstance(each, dict) else [each])]


def _ask(role: str, path: Path) -> tuple[dict[str, Any], str]:
    """Return what the engine at ``path`` says of itself, or why it does not."""
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


def _listener(path: Path) -> int | None:
    """Return the pid of who listens at ``path`` (unix(7): SO_PEERCRED)."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return None
        return int(pid)


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


def _listening(family: str, exposed: bool = False) -> set[int]:
    return parse_listening(_read(PROC / "net" / family).splitlines(), exposed)


def _confinement() -> str | None:
    """Return the rules of state o2.firewall as the kernel has them; ``None`` if it cannot be asked."""
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


def _number(text: str) -> int | None:
    return None if text == "unlimited" else int(text)


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(_read(path))
    except yaml.YAMLError:  # the daemon itself does not start then, and its log says why
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
