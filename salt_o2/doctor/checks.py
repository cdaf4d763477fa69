"""Judge a machine by its facts, without I/O."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from salt_o2.doctor.report import Daemon, Level, MachineFacts, Ports, Verdict

SALT_SERIES = (3008, 3009)
"""Supported Salt releases: from the first series up to, but not including, the second, as in the package."""
OLDEST_PYTHON = (3, 11)
SECRET = re.compile(r"(?i)(?:passw(?:or)?d|passphrase|secret|token|api[-_]?key|credential)s?[\w-]*[=: ]\s*\S")
"""Pattern of a secret in a command line: a word that names a secret, followed by a value."""
SALT_PORTS = (4505, 4506)
FILES_FOR_A_HOST = 16384
"""Fifty devices with a hundred channels of three file descriptors each."""
AS_ROOT = "run this as root, with nft installed"
CONFINE = "install nftables and apply state o2.firewall, which closes them to all but the agent's account"
MEMLOCK_FOR_A_HOST = 1 << 30
"""Minimum that readout pins, in bytes."""


def examine(facts: MachineFacts) -> list[Verdict]:
    """Return the verdicts on a machine, in the order in which a user should fix the problems."""
    found = [_python(facts), _salt(facts), _bytecode(facts)]
    if not facts.daemons:
        found.append(
            Verdict(
                "role",
                Level.FAIL,
                "neither a master nor a minion is configured here",
                "apply o2.host or o2.master",
            )
        )
    for daemon in facts.daemons:
        found += [*_daemon(daemon, facts)]
    if any(daemon.role == "minion" for daemon in facts.daemons):
        found += [*_ports(facts), *_openness(facts), _cgroup(facts), *_limits(facts)]
    return [*found, _clock(facts)]


def worst(verdicts: list[Verdict]) -> Level:
    """Return the worst level of all verdicts."""
    levels = {verdict.level for verdict in verdicts}
    return next((level for level in (Level.FAIL, Level.WARN) if level in levels), Level.OK)


def _python(facts: MachineFacts) -> Verdict:
    found = f"{'.'.join(map(str, facts.python))} at {facts.executable}"
    if facts.python < OLDEST_PYTHON:
        advice = f"use a Salt with Python {'.'.join(map(str, OLDEST_PYTHON))} or newer"
        return Verdict("python", Level.FAIL, found, advice)
    return Verdict("python", Level.OK, found)


def _salt(facts: MachineFacts) -> Verdict:
    if not facts.salt:
        advice = "install salt-o2 into the Python that runs Salt: see docs/install.md"
        return Verdict("salt", Level.FAIL, f"none in {facts.executable}", advice)
    series = facts.salt.split(".")[0]
    found = f"{facts.salt}, with Salt O² {facts.o2}"
    if not (series.isdigit() and SALT_SERIES[0] <= int(series) < SALT_SERIES[1]):
        return Verdict("salt", Level.FAIL, found, f"install Salt {SALT_SERIES[0]}.x")
    return Verdict("salt", Level.OK, found)


def _bytecode(facts: MachineFacts) -> Verdict:
    if facts.bytecode or not facts.salt:
        return Verdict("bytecode", Level.OK, "Salt is compiled" if facts.salt else "nothing to compile")
    advice = "run python -m compileall -q on its site-packages, and unset PYTHONDONTWRITEBYTECODE"
    return Verdict("bytecode", Level.WARN, "Salt is not compiled: it starts five times slower", advice)


def _daemon(daemon: Daemon, facts: MachineFacts) -> Iterator[Verdict]:
    name = f"{daemon.role}'s engine"
    if daemon.engine not in daemon.engines:
        advice = f"add `engines: [{{{daemon.engine}: {{}}}}]` there, or apply state o2.{_state(daemon)}"
        yield Verdict(name, Level.FAIL, f"{daemon.engine} is not configured in {daemon.config}", advice)
        return
    if daemon.silence:
        yield Verdict(name, Level.FAIL, f"{daemon.engine}: {daemon.silence}", _advice_to_silence(daemon))
    elif daemon.version != facts.o2:
        advice = f"restart salt-{daemon.role}; tasks continue"
        found = f"{daemon.engine} runs version {daemon.version}, installed is {facts.o2}"
        yield Verdict(name, Level.WARN, found, advice)
    else:
        yield Verdict(name, Level.OK, f"{daemon.engine} answers, with {daemon.tasks} tasks")
    for fault in daemon.faults:
        yield Verdict(f"{daemon.role}'s engine", Level.FAIL, fault)
    advice = f"correct it in pillar or configuration, then restart salt-{daemon.role}; tasks continue"
    for unused in daemon.unused:
        yield Verdict(f"{daemon.role}'s settings", Level.WARN, f"not used: {unused}", advice)
    if daemon.cordoned:
        advice = "after the maintenance: coconut host uncordon HOST"
        yield Verdict("cordoned hosts", Level.WARN, "; ".join(daemon.cordoned), advice)
    if daemon.socket_mode is not None:
        yield _socket(daemon)
    if daemon.stored_at:
        yield _files(daemon)
    if shown := [task for task, command in daemon.commands if SECRET.search(command)]:
        found = f"arguments of {', '.join(shown[:5])} look like secrets, and every local user can read them"
        advice = "put them into command.env of the task template: only the task's account reads that"
        yield Verdict("secrets", Level.WARN, found, advice)


def _files(daemon: Daemon) -> Verdict:
    name = f"{daemon.role}'s files"
    if daemon.cache and Path(daemon.stored_at).is_relative_to(daemon.cache):
        key = "directory" if daemon.role == "minion" else "database"
        advice = f"end all runs, and set o2:{key} to a place outside; saltutil.clear_cache would empty it"
        return Verdict(name, Level.FAIL, f"{daemon.stored_at} lies in Salt's cache {daemon.cache}", advice)
    return Verdict(name, Level.OK, daemon.stored_at)


def _state(daemon: Daemon) -> str:
    return "master" if daemon.role == "master" else "host"


def _advice_to_silence(daemon: Daemon) -> str:
    service = f"salt-{daemon.role}"
    if daemon.socket_mode is None:
        return (
            f"is {service} running? If so, its log says why the engine was not loaded: Salt is silent about "
            f"one that cannot be imported (salt-run doc.runner o2 shows whether the package is found)"
        )
    return f"run this as {daemon.socket_owner} or root; else see the log of {service}"


def _socket(daemon: Daemon) -> Verdict:
    mode = daemon.socket_mode or 0
    found = f"{daemon.socket} is {mode:04o}, of {daemon.socket_owner}"
    if mode & 0o077:
        advice = f"chmod 0600 {daemon.socket}: each user who can open it can control tasks"
        return Verdict(f"{daemon.role}'s socket", Level.FAIL, found, advice)
    return Verdict(f"{daemon.role}'s socket", Level.OK, found)


def _ports(facts: MachineFacts) -> Iterator[Verdict]:
    tasks = sum(daemon.tasks for daemon in facts.daemons)
    for name, (low, high) in facts.ports.items():
        used_ports = [port for port in facts.listening if low <= port <= high]
        found = f"{low}-{high}: {high - low + 1 - len(used_ports)} free"
        if low > high:
            yield Verdict(name, Level.FAIL, f"{low}-{high} is not a range", "salt-run o2.site_check")
        elif used_ports and not tasks:
            others = ", ".join(map(str, used_ports[:5]))
            yield Verdict(
                name, Level.WARN, f"{found}; {others} taken by other programs", "part the ranges: pillar o2"
            )
        elif _given_away((low, high), facts):
            advice = f"sysctl net.ipv4.ip_local_reserved_ports={low}-{high}, or apply state o2.kernel"
            found = f"{found}; but the kernel gives {facts.ephemeral[0]}-{facts.ephemeral[1]} to any program"
            yield Verdict(name, Level.WARN, found, advice)
        else:
            yield Verdict(name, Level.OK, found)


def _openness(facts: MachineFacts) -> Iterator[Verdict]:
    """Check which accounts and hosts can reach devices. No device requires authentication.

    A device with a Unix socket accepts no request at its port.
    """
    if facts.private:
        yield _privacy(facts.private)
    rules = facts.confinement
    for name, word in (("control_ports", "meta skuid"), ("channel_ports", "saddr")):
        low, high = facts.ports.get(name, (1, 0))
        exposed = [port for port in facts.exposed if low <= port <= high and port not in facts.private]
        if not exposed or (rules is not None and f"{low}-{high}" in rules and word in rules):
            continue
        many = f"{len(exposed)} of {low}-{high} listen at all addresses ({exposed[0]}, ...)"
        if rules is None:
            yield Verdict(
                f"open {name}", Level.WARN, f"{many}; root alone can see which hosts reach them", AS_ROOT
            )
        elif name == "control_ports":
            yield Verdict(f"open {name}", Level.WARN, f"{many}, to all accounts and machines", CONFINE)
        else:
            yield Verdict(f"open {name}", Level.OK, f"{many}, to all machines: o2:firewall:sources is empty")


def _privacy(sockets: Mapping[int, int]) -> Verdict:
    check, open_to_others = "control sockets", sorted(port for port, mode in sockets.items() if mode & 0o077)
    if not open_to_others:
        return Verdict(check, Level.OK, f"{len(sockets)} devices, each for its own account only")
    first = open_to_others[0]
    found = f"{len(open_to_others)} of {len(sockets)} are open to others ({first}: {sockets[first]:04o}, ...)"
    return Verdict(check, Level.WARN, found, "the task changes the mode: correct its program, or restart it")


def _given_away(ours: Ports, facts: MachineFacts) -> bool:
    low, high = max(ours[0], facts.ephemeral[0]), min(ours[1], facts.ephemeral[1])
    is_reserved = any(first <= low and high <= last for first, last in facts.reserved)
    return low <= high and not is_reserved


def _cgroup(facts: MachineFacts) -> Verdict:
    if not facts.cgroup:
        advice = "boot with systemd.unified_cgroup_hierarchy=1; without it limits are watched, not enforced"
        return Verdict("cgroup", Level.WARN, "no version 2 control group", advice)
    if not facts.cgroup_writable:
        advice = "Delegate=yes for salt-minion: apply state o2.host"
        return Verdict("cgroup", Level.WARN, f"{facts.cgroup} is not delegated to the agent", advice)
    lacking = {"cpu", "memory", "pids"} - set(facts.controllers)
    if lacking:
        found = f"{facts.cgroup} has no {', '.join(sorted(lacking))}"
        return Verdict("cgroup", Level.WARN, found, "limits of templates are not enforced on this host")
    return Verdict("cgroup", Level.OK, f"{facts.cgroup}, with {', '.join(facts.controllers)}")


def _limits(facts: MachineFacts) -> Iterator[Verdict]:
    needed = {"memlock": MEMLOCK_FOR_A_HOST, "nofile": FILES_FOR_A_HOST}
    for name, least in needed.items():
        if (limit := facts.limits.get(name)) is None:
            continue
        found = "unlimited" if limit.soft is None else str(limit.soft)
        if limit.soft is not None and limit.soft < least:
            advice = f"pillar o2:limits:{name}, then apply state o2.host; {least} should do"
            yield Verdict(name, Level.WARN, found, advice)
        else:
            yield Verdict(name, Level.OK, found)


def _clock(facts: MachineFacts) -> Verdict:
    if facts.clock_synchronised:
        return Verdict("clock", Level.OK, "synchronised")
    if facts.clock_synchronised is None:
        return Verdict("clock", Level.WARN, "the kernel gives no answer", "check that chrony runs")
    advice = "install and start chrony: this clock gives start and end of runs"
    return Verdict("clock", Level.WARN, "not synchronised", advice)
