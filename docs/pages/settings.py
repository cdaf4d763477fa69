"""Settings under ``o2:``, from the classes that read and check them."""

from collections.abc import Iterable

from pages import markdown
from pages.source import Described, described
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.tasks.restarts import RestartBudget, RestartPolicy
from salt_o2.site.journal_limits import JournalLimits
from salt_o2.site.pillar_schema import HostPillar, SitePillar
from salt_o2.site.settings import TIMEOUT_VARIABLES, Site

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
    "task_environment",
    "hosts",
    "at_start",
    "returners",
    "peers",
    "on_full_disk",
)
"""Keys that only the states o2.host and o2.master read; their defaults are in a commented file."""

MEANINGS = {
    "cpus": "cores that the scheduler may allocate; by default those of the machine",
    "memory_mb": "megabytes that the scheduler may allocate; by default those of the machine",
    "control_ports": "first and last port for control channels of tasks",
    "channel_ports": "first and last port for data channels",
    "directory": (
        "folder in which the agent stores its tasks, not in a cache; by default `var/lib/o2/agent` "
        "below Salt's "
        "`root_dir`, or a folder beside the keys of the minion if these have a place of their own"
    ),
    "heartbeat_s": "seconds between two heartbeats",
    "control_socket": "socket of control for the state module `o2_environment`",
    "dpl_timeout_s": "seconds that a DPL command of a template may take",
    "detectors": "hosts of each detector: `{TST: {hosts: [flp1, flp2]}}`",
    "access": "users and `%groups` of each role",
    "components": "configuration of components: component / run type / role / entry",
    "runtime": "run-time values for templates: component / key",
    "hardware": "detectors with their hosts, and the readout cards of each host",
    "per_host": "idle tasks on one host",
    "total": "idle tasks in all; 0 disables the pool",
    "idle_s": "seconds that a task may be idle",
    "restarts": "restarts within the window; one more failure fails the task",
    "window_s": "the window, in seconds",
}
"""Meanings of fields whose class has no text for them."""


def page() -> str:
    """Return the page of settings."""
    return markdown.page(
        "Settings",
        "For site administrators: the keys below `o2:` in Salt's configuration and pillar, "
        "and the variables that control reads.",
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
        "The engine `o2_control` reads them from the master's configuration and, with precedence, "
        "from the pillar "
        "of the master itself (the ID `<master>_master`). Maps are merged key by key. "
        "`salt-run o2.site_check` finds keys that do not exist and values of a wrong type.\n\n"
        + _table([*described(Site), *_without_default(SitePillar)], {})
    )


def _pool() -> str:
    return (
        "### `o2:pool`\n\n"
        "Limits of the pool. Control stops tasks above a limit, those that are idle for longest first.\n\n"
        + _table([*described(PoolLimits)], {})
    )


def _journal() -> str:
    return (
        "### `o2:journal`\n\n"
        "Limits of the journal. Control never cuts the journal of an environment that has not "
        "ended, and never "
        "the records of runs.\n\n" + _table([*described(JournalLimits)], {})
    )


def _minion() -> str:
    found = [each for each in _without_default(HostPillar) if each.name not in BY_STATES]
    return (
        "## `o2:` of a minion\n\n"
        "The engine `o2_agent` reads them from the minion's pillar and, with precedence, from the minion's "
        "configuration.\n\n" + _table(found, {each.name: each.meaning for each in described(HostFacts)})
    )


def _states() -> str:
    return (
        "## Settings of the states\n\n"
        "`o2.host` and `o2.master` read these keys of `o2:` in pillar too. The values are the defaults.\n\n"
        "```{literalinclude} ../../states/o2/defaults.yaml\n:language: yaml\n```\n"
    )


def _recovery() -> str:
    policies = ", ".join(f"`{each.value}`" for each in RestartPolicy)
    rows = [("`recovery`", f"`{RestartPolicy.RESTART}`", f"what follows a failed task: {policies}")]
    rows += [
        (f"`recovery_{each.name}`", f"`{each.default}`", markdown.prose(each.meaning or MEANINGS[each.name]))
        for each in described(RestartBudget)
    ]
    return (
        "## Variables of recovery\n\n"
        "Like all variables they come from the site (`o2:defaults`, `o2:vars`), from templates, or "
        "from the user "
        "who creates the environment. `recovery` is read for each task, the others once for each "
        "environment.\n\n" + markdown.table(("variable", "default", "meaning"), rows)
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
