"""Find the faults of a site: pillar, configuration, detectors, ports, repositories, rules.

The checks open nothing and send nothing; the runner ``o2.site_check`` gathers the facts.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from salt_o2.core.access_roles import AccessRole
from salt_o2.integration import registry
from salt_o2.site import access_checks
from salt_o2.site.check_facts import Finding, SiteFacts
from salt_o2.site.pillar_schema import HOST_SHAPES, MASTER_SHAPES, misfits
from salt_o2.site.settings import TIMEOUT_VARIABLES
from salt_o2.workflow.problems import nearest

CONTROL = "control"
SALT_PORTS = (4505, 4506)
RUNNER_CALL = re.compile(r"^\s+runner\.(o2\.\w+):", re.MULTILINE)


def check(site: SiteFacts, is_repository: Callable[[str], bool]) -> list[Finding]:
    """Return all faults of ``site``; ``is_repository`` returns whether a directory is a repository."""
    return [
        *_pillar_errors(site),
        *_shapes(site),
        *_all_ports(site),
        *_detectors(site),
        *_attributes(site),
        *_variables(site),
        *_left_out(site),
        *_access(site),
        *_repositories(site, is_repository),
        *_engine(site),
        *_reactor(site),
    ]


def _pillar_errors(site: SiteFacts) -> Iterator[Finding]:
    for minion, errors in site.pillar_errors.items():
        for error in errors:
            yield Finding(f"pillar of {minion}", error, "correct the SLS; until then the minion lacks it")


def _shapes(site: SiteFacts) -> Iterator[Finding]:
    advice = "see the commented example in pillar/ of the package"
    written = [("master's configuration: o2", site.config), ("master's pillar: o2", site.pillar)]
    for where, block in written:
        yield from (Finding(*misfit, advice) for misfit in misfits(block, MASTER_SHAPES, where))
    hosts_by_fault: dict[tuple[str, str], list[str]] = {}
    for host, block in site.hosts.items():
        for place, what in misfits(block, HOST_SHAPES, "o2"):
            hosts_by_fault.setdefault((place, what), []).append(host)
    for (place, what), hosts in hosts_by_fault.items():
        yield Finding(f"pillar of {_some(hosts)}: {place}", what, advice)


def _all_ports(site: SiteFacts) -> Iterator[Finding]:
    hosts_by_fault: dict[tuple[str, str], list[str]] = {}
    for host, block in site.hosts.items():
        for fault in _ports(block):
            hosts_by_fault.setdefault(fault, []).append(host)
    for (what, advice), hosts in hosts_by_fault.items():
        yield Finding(f"pillar of {_some(hosts)}: o2", what, advice)


def _ports(block: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ranges = {name: block[name] for name in ("control_ports", "channel_ports") if name in block}
    good: dict[str, tuple[int, int]] = {}
    for name, given in ranges.items():
        if not (
            isinstance(given, list | tuple) and len(given) == 2 and all(type(end) is int for end in given)
        ):
            continue  # The wrong type has been reported already.
        low, high = given
        if not 1 <= low <= high <= 65535:
            yield f"{name} {low}-{high} is not a range of ports", "give [lowest, highest], within 1 and 65535"
            continue
        good[name] = (low, high)
        if any(low <= port <= high for port in SALT_PORTS):
            yield f"{name} {low}-{high} contains Salt's own 4505 and 4506", "leave them out"
    if len(good) == 2:
        (low, high), (other_low, other_high) = good.values()
        if low <= other_high and other_low <= high:
            yield (
                f"control_ports {low}-{high} and channel_ports {other_low}-{other_high} overlap",
                "part them",
            )


def _detectors(site: SiteFacts) -> Iterator[Finding]:
    hosts = {*site.hosts, *(site.known or ())}
    owner: dict[str, str] = {}
    for name, about in _maps(site.pillar.get("detectors")):
        where = f"master's pillar: o2:detectors:{name}"
        for host in about.get("hosts") or ():
            if host not in hosts:
                yield Finding(where, f"{host} is no host{nearest(str(host), hosts)}", _ACCEPT)
            if owner.setdefault(host, name) != name:
                yield Finding(where, f"{host} belongs to {owner[host]} already", "a host has one detector")
            other = _attributes_of(site, host).get("detector", name)
            if other != name:
                yield Finding(
                    where, f"{host} has the attribute detector={other}", "name detectors in one place"
                )


_ACCEPT = "correct the name, or accept its key (salt-key -a) if it is new"


def _attributes_of(site: SiteFacts, host: str) -> Mapping[str, Any]:
    attributes = site.hosts.get(host, {}).get("attributes")
    return attributes if isinstance(attributes, Mapping) else {}


def _attributes(site: SiteFacts) -> Iterator[Finding]:
    if site.known is None:
        yield Finding("control", "it does not answer, so its hosts were not checked", "see coconut doctor")
        return
    bare = [host for host, attributes in site.known.items() if not attributes]
    if bare:
        advice = "give them o2:attributes in pillar, then restart their minions"
        yield Finding(f"host {_some(bare)}", "no attributes: constraints never choose it", advice)


def _variables(site: SiteFacts) -> Iterator[Finding]:
    for block in ("defaults", "vars"):
        variables = site.pillar.get(block)
        for name, value in variables.items() if isinstance(variables, Mapping) else ():
            where = f"master's pillar: o2:{block}:{name}"
            if name in TIMEOUT_VARIABLES and not _is_seconds(value):
                yield Finding(where, f"{value!r} is no time", "give seconds, more than 0")
            elif name.endswith("_timeout_s") and name not in TIMEOUT_VARIABLES:
                yield Finding(where, f"limits nothing{nearest(name, TIMEOUT_VARIABLES)}", "correct the name")


def _left_out(site: SiteFacts) -> Iterator[Finding]:
    """Report the settings that control and hosts ignore, unless another finding has their place."""
    names = site.pillar.get("integrations") or site.config.get("integrations") or ()
    for name in names if isinstance(names, list | tuple) else ():
        if why := registry.why_unknown(str(name)):
            yield Finding("master: o2:integrations", why, "correct the name, or remove it")
    for who, faults in site.faults.items():
        where = who if who == CONTROL else f"host {who}"
        for fault in faults:
            yield Finding(
                where, f"not used: {fault}", "correct it, then restart its Salt daemon: tasks continue"
            )


def _is_seconds(value: Any) -> bool:
    try:
        return float(value) > 0
    except (TypeError, ValueError):
        return False


def _access(site: SiteFacts) -> Iterator[Finding]:
    for role, what in access_checks.unknown_roles(site.pillar):
        yield Finding(f"master's pillar: o2:access:{role}", what, f"roles are {', '.join(AccessRole)}")
    for option, who in access_checks.not_enforced(site.pillar, site.options):
        what = f"{_some(who)} lack the permissions of their role in {option}"
        yield Finding("master's pillar: o2:access", what, "apply state o2.master; it restarts the master")
    for option, who in access_checks.execution_permissions(site.options):
        what = f"{_some(who)} may call a function of hosts, so every function as root (cmd.run too)"
        yield Finding(f"master's configuration: {option}", what, "grant runners only, as o2:access does")


def _repositories(site: SiteFacts, is_repository: Callable[[str], bool]) -> Iterator[Finding]:
    for where, block in (("configuration", site.config), ("pillar", site.pillar)):
        given = block.get("repositories")
        for path in given if isinstance(given, list | tuple) else ():
            if isinstance(path, str) and path.startswith("/") and not is_repository(path):
                what = f"{path} has no directory workflows"
                yield Finding(f"master's {where}: o2:repositories", what, "create it, or correct the path")


def _engine(site: SiteFacts) -> Iterator[Finding]:
    if "o2_control" not in site.engines:
        yield Finding(
            "master's configuration: engines",
            "o2_control is not among them",
            "add it, or apply state o2.master",
        )


def _reactor(site: SiteFacts) -> Iterator[Finding]:
    for tag in site.ours:
        if tag not in site.wired:
            advice = "include: /srv/reactor/o2/rules.conf in a file of master.d, or apply state o2.master"
            yield Finding("master's configuration: reactor", f"no rule answers {tag}", advice)
    for tag, paths in site.wired.items():
        for path in paths:
            yield from _rule(site, tag, path)


def _rule(site: SiteFacts, tag: str, path: str) -> Iterator[Finding]:
    where = f"master's configuration: reactor: {tag}"
    text = site.rules.get(path)
    if text is None:
        yield Finding(where, f"there is no {path}", "correct the path")
        return
    for function in RUNNER_CALL.findall(text):
        if function not in site.functions:
            what = f"{path} calls {function}, which does not exist{nearest(function, site.functions)}"
            yield Finding(where, what, "correct the name, or remove the rule")


def _maps(block: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    items = block.items() if isinstance(block, Mapping) else ()
    return [(name, about) for name, about in items if isinstance(about, Mapping)]


def _some(names: Collection[str], most: int = 3) -> str:
    shown = sorted(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
