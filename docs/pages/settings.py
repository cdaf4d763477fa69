"""Settings under ``o2:``, from the classes that read and check them."""

from collections.abc import Iterable

from pages import markdown
from pages.source import Described, described
from salt_o2.control.retention import Keep
from salt_o2.control.site import TIMEOUT_VARIABLES, Site
from salt_o2.control.site_shape import HostPillar, SitePillar
from salt_o2.core.messages import HostFacts
from salt_o2.core.pooled import Bounds
from salt_o2.core.repair import Budget, Policy
from salt_o2.core.timeouts import Timeouts

BY_STATES = (
    "install",
    "user",
    "directories",
    "limits",
    "sysctl",
    "firewall",
    "master",
    "access",
    "disk_full_percent",
    "task_users",
    "hosts",
    "at_start",
    "returners",
    "peers",
    "on_full_disk",
)
"""What only the states o2.host and o2.master read; their defaults are in a commented file."""

MEANINGS = {
    "cpus": "cores that placement may give out; those of the machine if left out",
    "memory_mb": "megabytes that placement may give out; those of the machine if left out",
    "control_ports": "first and last port for control channels of tasks",
    "channel_ports": "first and last port for data channels",
    "directory": (
        "where the agent keeps its tasks, not in a cache; if left out, `var/lib/o2/agent` below Salt's "
        "`root_dir`, or a folder beside the minion's keys where these are at a place of their own"
    ),
    "heartbeat_s": "seconds between two signs of life",
    "control_socket": "where the state module `o2_environment` finds control",
    "dpl_timeout_s": "how many seconds a DPL command of a template may take",
    "detectors": "hosts of each detector: `{TST: {hosts: [flp1, flp2]}}`",
    "access": "who may do what: users and `%groups` of each role",
    "components": "configuration of components: component / run type / role / entry",
    "runtime": "run-time values that templates ask for: component / key",
    "hardware": "detectors with their hosts, and the readout cards of each host",
    "per_host": "how many tasks may wait on one host",
    "total": "how many tasks may wait in all; with 0 nothing is ever kept",
    "idle_s": "for how long, in seconds",
    "restarts": "how many restarts within the window, before the task is given up",
    "window_s": "the window, in seconds",
}
"""Of fields whose class says nothing about them."""


def page() -> str:
    """Return the page of settings."""
    return markdown.page(
        "Settings",
        "For site administrators: what may stand under `o2:` in Salt's configuration and pillar, and which "
        "variables steer control.",
        _master(),
        _pool(),
        _journal(),
        _minion(),
        _states(),
        _recovery(),
        _timeouts(),
    )


def _master() -> str:
    return (
        "## `o2:` of the master\n\n"
        "Read by the engine `o2_control`, from the master's configuration and, above it, from the pillar of "
        "the master itself (the id `<master>_master`). Maps are merged key by key. "
        "`salt-run o2.site_check` finds keys that do not exist and values of a wrong type.\n\n"
        + _table([*described(Site), *_without_default(SitePillar)], {})
    )


def _pool() -> str:
    return (
        "### `o2:pool`\n\n"
        "How much may wait in the pool; what is over a bound is ended, the longest idle first.\n\n"
        + _table([*described(Bounds)], {})
    )


def _journal() -> str:
    return (
        "### `o2:journal`\n\n"
        "How much of the past is kept. The journal of an environment that has not ended is never cut; of one "
        "that has ended the records of its runs stay.\n\n" + _table([*described(Keep)], {})
    )


def _minion() -> str:
    found = [each for each in _without_default(HostPillar) if each.name not in BY_STATES]
    return (
        "## `o2:` of a minion\n\n"
        "Read by the engine `o2_agent`, from the minion's pillar and, above it, from the minion's "
        "configuration.\n\n" + _table(found, {each.name: each.meaning for each in described(HostFacts)})
    )


def _states() -> str:
    return (
        "## What the states read\n\n"
        "`o2.host` and `o2.master` read these keys of `o2:` in pillar, too; the values below are the "
        "defaults.\n\n"
        "```{literalinclude} ../../states/o2/defaults.yaml\n:language: yaml\n```\n"
    )


def _recovery() -> str:
    policies = ", ".join(f"`{each.value}`" for each in Policy)
    rows = [("`recovery`", f"`{Policy.RESTART}`", f"what a failed task leads to: {policies}")]
    rows += [
        (f"`recovery_{each.name}`", f"`{each.default}`", markdown.prose(each.meaning or MEANINGS[each.name]))
        for each in described(Budget)
    ]
    return (
        "## Variables of recovery\n\n"
        "Like all variables they come from the site (`o2:defaults`, `o2:vars`), the templates or whoever "
        "creates the environment. `recovery` is read per task, the others once per environment.\n\n"
        + markdown.table(("variable", "default", "meaning"), rows)
    )


def _timeouts() -> str:
    limits = Timeouts().by_event
    rows = [(f"`{name}`", str(event), f"{limits[event]:g}") for name, event in TIMEOUT_VARIABLES.items()]
    return "## Variables that limit transitions\n\n" + markdown.table(
        ("variable", "transition", "default, seconds"), rows
    )


def _without_default(kind: type) -> list[Described]:
    """Return the fields of a class that only checks: its defaults mean nothing."""
    return [each._replace(default="") for each in described(kind)]


def _table(found: Iterable[Described], texts: dict[str, str]) -> str:
    rows = [
        (
            f"`{each.name}`",
            f"`{each.type}`",
            f"`{each.default}`" if each.default else "",
            markdown.prose(each.meaning or MEANINGS.get(each.name) or texts.get(each.name, "")),
        )
        for each in found
    ]
    return markdown.table(("key", "type", "default", "meaning"), rows)
