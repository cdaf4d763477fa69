"""A plan as text: each host with what it has, and below it what would happen there.

flp1   1 task +1   cpu [##........] 0.2 of 2 cores   memory [#.........] 40 of 24106 MB
  + start        diamond.sampler   fairmq-ex-1-n-1-sampler
                 new in the plan
                 ports 20002, 8900; data1 tcp://10.0.0.11:8900
                 $ o2-device sampler --rate=100
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Plain = dict[str, Any]

SIGNS = {
    "start": "+",
    "restart": "-/+",
    "reconfigure": "~",
    "stop": "-",
    "exclude": "x",
    "include": "o",
    "reuse": "<-",
    "pool": "->",
    "hook": "@",
}
"""The change of a task, as a sign at the beginning of its line."""
BAR = 10
MARGIN = " " * 19


def plan(found: Plain, brief: bool = False) -> str:
    """Return the whole plan; ``brief`` leaves out commands, ports and addresses."""
    changes = found["changes"]
    parts = [_head(found), *_hosts(found, brief), _calls(found["calls"]), _summary(found)]
    parts.append("\n".join(f"warning: {each}" for each in found.get("warnings") or ()))
    if found["token"] and (changes or found["action"] == "create"):
        parts.append(f"to apply this plan: coconut env {found['action']} --plan {found['token']}")
    return "\n\n".join(part for part in parts if part)


def _head(found: Plain) -> str:
    what = {
        "create": f"a new environment of {found['workflow']}",
        "modify": f"environment {found['environment']} ({found['workflow']})",
        "destroy": f"destruction of environment {found['environment']} ({found['workflow']})",
    }[found["action"]]
    revision = f", revision {found['revision'][:12]}" if found["revision"] else ""
    return f"plan for {what}{revision}"


def _hosts(found: Plain, brief: bool) -> Iterable[str]:
    by_host: dict[str, list[Plain]] = defaultdict(list)
    for change in found["changes"]:
        by_host[change["host"]].append(change)
    for host in found["hosts"]:
        below = [line for change in by_host[host["id"]] for line in _change(change, brief)]
        yield "\n".join([_host(host), *below])


def _host(host: Plain) -> str:
    cpu = host["cpu_taken"] + host["cpu_wanted"] - host["cpu_freed"]
    memory = host["memory_taken_mb"] + host["memory_wanted_mb"] - host["memory_freed_mb"]
    counts = _count(host["tasks"], "task")
    counts += f" +{host['new_tasks']}" if host["new_tasks"] else ""
    counts += f" -{host['ended_tasks']}" if host["ended_tasks"] else ""
    counts += f" ({host['reused_tasks']} reused)" if host["reused_tasks"] else ""
    counts += "   cordoned: no new task" if host.get("cordoned") else ""
    if host["cpus"] is None:
        return f"{host['id']}   {counts}   silent: its state is unknown"
    bars = f"cpu {bar(cpu, host['cpus'])} cores   memory {bar(memory, host['memory_mb'])} MB"
    return f"{host['id']}   {counts}   {bars}"


def bar(used: float, total: float) -> str:
    """Return the share that is in use after the plan is carried out, as a bar and in numbers."""
    share = min(1.0, used / total) if total else 1.0
    filled = max(round(BAR * share), 1) if used > 0 else 0
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {max(used, 0):.4g} of {total:.5g}"


def _change(change: Plain, brief: bool) -> Iterable[str]:
    yield f"  {SIGNS[change['change']]:>3} {change['change']:<12} {change['path']}   {change['class']}"
    if change["reason"]:
        yield f"{MARGIN}{change['reason']}"
    if brief or change["change"] in ("stop", "exclude", "pool"):
        return
    facts = [_ports(change["ports"]), *_addresses(change["addresses"])]
    if any(facts):
        yield f"{MARGIN}{'; '.join(filter(None, facts))}"
    if change["change"] in ("start", "restart", "hook"):
        yield f"{MARGIN}$ {change['command']}"


def _ports(ports: list[int]) -> str:
    return f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}" if ports else ""


def _addresses(addresses: dict[str, str]) -> Iterable[str]:
    for key, address in addresses.items():
        yield f"{key.removeprefix('chans.').removesuffix('.0.address').removesuffix('.address')} {address}"


def _calls(calls: list[Plain]) -> str:
    lines = [
        f"  @   {call['trigger']:<24} {call['func']}   {call['path']}"
        f"{'' if call['await'] == call['trigger'] else ', awaited at ' + call['await']}"
        for call in calls
    ]
    return "\n".join(["calls", *lines]) if lines else ""


def _summary(found: Plain) -> str:
    counted = found["summary"]
    lines = [f"{counted[name]} to {name}" for name in SIGNS if counted.get(name) and name != "hook"]
    lines += [f"{counted['hook']} to run as hooks"] if counted.get("hook") else []
    lines += [f"{counted['keep']} not touched"] if counted.get("keep") else []
    return f"in all: {', '.join(lines) or 'nothing to do'}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def stopped_roles(found: Plain) -> list[str]:
    """Return the paths of the roles that a plan stops or transfers to the pool, and does not start again."""
    again = {row["path"] for row in found["changes"] if row["change"] in ("start", "reuse")}
    leaving = (row["path"] for row in found["changes"] if row["change"] in ("stop", "pool"))
    return [path for path in leaving if path not in again]
