"""A site's settings for control: where templates lie, its variables, its limits.

They come from ``o2:`` in the master's configuration and, above it, ``o2:`` in the master's pillar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from salt_o2.control.retention import Keep
from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequest
from salt_o2.core.pooled import Bounds
from salt_o2.core.states import EnvironmentEvent
from salt_o2.core.timeouts import Timeouts

TIMEOUT_VARIABLES = {
    "deploy_timeout_s": EnvironmentEvent.DEPLOY,
    "configure_timeout_s": EnvironmentEvent.CONFIGURE,
    "start_timeout_s": EnvironmentEvent.START_ACTIVITY,
    "stop_timeout_s": EnvironmentEvent.STOP_ACTIVITY,
    "reset_timeout_s": EnvironmentEvent.RESET,
    "recover_timeout_s": EnvironmentEvent.RECOVER,
    "exit_timeout_s": EnvironmentEvent.EXIT,
}
"""Variables of a site, a workflow or a user that limit a transition, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The settings that control runs with."""

    repositories: tuple[str, ...] = ()
    """Directories, git repositories and paths of Salt's fileserver, searched in this order."""
    revisions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Patterns of the branches and tags that may be used, by repository or ``*``; without any all may."""
    configuration: str = "pillar"
    """Where configuration of components is: pillar, /a/directory, consul://host:8500, etcd://host:2379."""
    dpl_user: str = ""
    """The account that DPL commands of templates run as, neither root nor control's own; empty: none run."""
    dpl_timeout_s: float = 120.0
    dpl_environment: str = "/etc/profile.d/o2.sh"
    """What is sourced before a DPL command, if it is there."""
    database: str = ""
    """SQLAlchemy's URL. Empty: SQLite in `var/lib/o2/control` below Salt's `root_dir`, or in a folder beside
    the master's keys where these are at a place of their own; never in a cache."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Variables below those of any role (AliECS's GlobalDefaults)."""
    vars: dict[str, str] = field(default_factory=dict)
    """Variables above every role's defaults (AliECS's GlobalVars)."""
    integrations: tuple[str, ...] = ("test",)
    """Services that workflows may call, see ``salt_o2/integration``."""
    heartbeat_s: float = 5.0
    pool: Bounds = field(default_factory=Bounds)
    """How much may wait in the pool: ``per_host``, ``total``, and ``idle_s``, for how long, in seconds."""
    journal: Keep = field(default_factory=Keep)
    """How much of the past is kept: ``keep_days`` and ``keep_rows``."""
    acknowledge_s: float = 1.0
    """How long a host may take to say that it has a command, before it gets it as a Salt job."""


def read_site(*layers: Mapping[str, Any]) -> Site:
    """Return the settings in ``layers``, the later ones above the earlier; mappings are merged.

    Raises:
        InvalidRequest: if a value has the wrong type, saying where.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    known = {name: merged[name] for name in Site.__dataclass_fields__ if name in merged}
    for block in ("defaults", "vars"):
        given = known.get(block) or {}
        if not isinstance(given, dict):
            raise InvalidRequest(f"o2: {block}: a mapping of variables, not {given!r}")
        known[block] = {name: _text(value) for name, value in given.items()}
    return typed(known, Site)


def timeouts(site: Site, variables: Mapping[str, str]) -> Timeouts:
    """Return the limits that ``variables`` set, in seconds; what they leave out keeps its default."""
    limits = Timeouts(acknowledge=site.acknowledge_s)
    for name, event in TIMEOUT_VARIABLES.items():
        if name in variables:
            limits.by_event[event] = typed(variables[name], float)
    return limits


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
