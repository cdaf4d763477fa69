"""Configuration files of a private master and its minions.

Options beyond those of the plug-ins have one of two purposes: to keep all files inside the cluster's
directory, or to start quickly on a small machine.
"""

import getpass
import json
import os
import pwd
from pathlib import Path
from typing import Any

from salt_o2.cluster import namespaces
from salt_o2.cluster.paths import API, Layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.state_file import Record
from salt_o2.returners import unused
from salt_o2.where import packaged

MASTER_ID = "o2_master"
"""Id under which the master compiles its own pillar."""
OURS = ("salt/o2/", "salt/presence/")
"""Rules for other events act on the whole machine, which a private cluster does not own."""

MASTER_ID = "o2_master"
"""Salt appends _master only to an id that it generates, and pillar is assigned to *_master."""
LOOP_INTERVAL_S = 5
"""Interval of the master's maintenance, in seconds: the session of a deleted key ends within it."""

_QUICK = {
    "enable_gpu_grains": False,
    "enable_fqdns_grains": False,
    "grains_cache": False,
    "log_level": "error",
    "log_level_logfile": "info",
}


def master_config(layout: Layout, record: Record) -> dict[str, Any]:
    """Return the master's options."""
    slot = Slot(record.slot)
    return {
        **own_paths(layout, record, "master"),
        **_QUICK,
        "id": MASTER_ID,
        "interface": master_address(record),
        "publish_port": slot.publish_port,
        "ret_port": slot.request_port,
        "worker_threads": record.workers,
        "loop_interval": LOOP_INTERVAL_S,
        "auto_accept": False,  # keys of its minions are accepted before it starts, see keys.py
        "file_roots": {"base": [str(layout.states), str(packaged("states"))]},
        "pillar_roots": {"base": [str(layout.pillar), str(packaged("pillar"))]},
        **reactions(packaged("reactor")),
        "engines": [{"o2_control": {}}],
        "api_pidfile": str(layout.pidfile(API)),
        "api_logfile": str(layout.log(API)),
        "o2": {
            "database": f"sqlite:///{layout.database}",
            "repositories": [str(layout.templates), str(packaged("examples"))],
            "heartbeat_s": record.heartbeat_s,
            **({"api": _api(slot)} if record.api else {}),
        },
    }


def _api(slot: Slot) -> dict[str, Any]:
    """Return the settings of the HTTP interface, which only this machine reaches."""
    return {"port": slot.api_port, "sign_in_link": True, "sign_ins_per_minute": 60}


def reactions(folder: Path) -> dict[str, Any]:
    """Return the options of ``rules.conf`` in ``folder``, with only the rules about our own events."""
    import yaml  # slow to import, and most commands do not need it

    written = yaml.safe_load((folder / "rules.conf").read_text())
    ours = [
        {tag: [str(folder / Path(rule).name) for rule in rules]}
        for line in written["reactor"]
        for tag, rules in line.items()
        if tag.startswith(OURS)
    ]
    return {**written, "reactor": ours}


def minion_config(layout: Layout, record: Record, minion: str) -> dict[str, Any]:
    """Return the options of one minion."""
    slot = Slot(record.slot)
    return {
        **own_paths(layout, record, minion),
        **_QUICK,
        "id": minion,
        "master": master_address(record),
        "master_port": slot.request_port,
        "publish_port": slot.publish_port,
        "recon_default": 50,
        "recon_max": 200,
        "recon_randomize": False,
        "random_startup_delay": 0,
        "random_reauth_delay": 1,
        "acceptance_wait_time": 1,
        "auth_tries": 1,  # an attempt that began before the master listened fails anyway
        "grains_refresh_every": 0,
        "mine_enabled": False,
        "start_event_grains": [],
        "engines": [{"o2_agent": {}}],
        "disable_returners": unused(()),
        "o2": {
            **declared_of(record, minion),
            "directory": str(layout.agent(minion)),
            "task_users": [pwd.getpwuid(os.geteuid()).pw_name],
            "heartbeat_s": record.heartbeat_s,
        },
    }


def declared_of(record: Record, minion: str) -> dict[str, Any]:
    """Return the declarations about ``minion`` and its agent in its pillar."""
    slot = Slot(record.slot)
    return {
        "address": minion_address(record, minion),
        "control_ports": list(slot.control_ports),
        "channel_ports": list(slot.channel_ports),
    }


def master_address(record: Record) -> str:
    """Return the address on which the master listens."""
    return namespaces.address(record.minions, namespaces.MASTER) if record.namespaces else "127.0.0.1"


def minion_address(record: Record, minion: str) -> str:
    """Return the address at which other hosts reach tasks of ``minion``."""
    if record.namespaces:
        return namespaces.address(record.minions, minion)
    return Slot(record.slot).address(record.minions.index(minion))


def write_configs(layout: Layout, record: Record) -> None:
    """Write all configuration files, as JSON, which is valid YAML."""
    templates = (layout.templates / "workflows", layout.templates / "tasks")
    for folder in (layout.conf, layout.logs, layout.states, layout.pillar, *templates):
        folder.mkdir(parents=True, exist_ok=True)
    declared = {minion: declared_of(record, minion) for minion in record.minions}
    machines = {"hosts": list(record.minions), "master": "", "control": MASTER_ID, "declared": declared}
    _write(layout.pillar / "machines.yaml", machines)
    _write(layout.conf / "master", master_config(layout, record))
    for minion in record.minions:
        _write(layout.home(minion) / "minion", minion_config(layout, record, minion))
    _write(layout.conf / "minion", minion_config(layout, record, record.minions[0]))


def own_paths(layout: Layout, record: Record, daemon: str) -> dict[str, Any]:
    """Return the options that keep all files of one daemon in its own directories."""
    home = layout.home(daemon)
    return {
        "user": getpass.getuser(),
        "root_dir": "/",
        "pki_dir": str(layout.keys(daemon)),
        "cachedir": str(home / "cache"),
        "extension_modules": str(home / "cache" / "extmods"),
        "pidfile": str(layout.pidfile(daemon)),
        "log_file": str(layout.log(daemon)),
        "sock_dir": str(record.run / daemon),
        "sqlite_queue_dir": str(home / "cache" / "queues"),
        "token_dir": str(home / "cache" / "tokens"),
        "syndic_dir": str(home / "cache" / "syndics"),
        "key_logfile": str(layout.logs / "key.log"),
        "default_include": "none.d/*.conf",
    }


def _write(path: Path, options: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(options, indent=1) + "\n")
