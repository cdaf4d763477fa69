"""Define a site's settings for control: repositories of templates, variables, limits.

They come from ``o2:`` in the master's configuration and, above it, ``o2:`` in the master's pillar. An
unusable setting has its default and is named among the faults: control must start with any settings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from msgspec import Meta

from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.plan import run_arguments
from salt_o2.core.plan.overrides import variable_texts
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.states import EnvironmentEvent
from salt_o2.core.tolerant_decoding import Fault, salvage, shown
from salt_o2.core.url_masking import without_password
from salt_o2.site.journal_limits import JournalLimits

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
MOST = 1e6
"""Largest value of a variable that control reads."""
RESTARTS, SECONDS = "a number of restarts", "seconds"
NUMBERS: Mapping[str, tuple[float, str]] = {
    **dict.fromkeys(TIMEOUT_VARIABLES, (1e-6, SECONDS)),
    "recovery_restarts": (0, RESTARTS),
    "recovery_window_s": (1e-6, SECONDS),
    "recovery_grace_s": (0, SECONDS),
    "recovery_backoff_s": (0, SECONDS),
    "recovery_timeout_s": (1e-6, SECONDS),
}
"""Variables that are numbers, each with its least value and its unit."""
VARIABLE_BLOCKS = ("defaults", "vars")
Seconds = Annotated[float, Meta(gt=0, le=1e6)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The settings that control runs with."""

    repositories: tuple[str, ...] = ()
    """Directories, git repositories and paths of Salt's fileserver, searched in this order."""
    revisions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Patterns of the branches and tags that may be used, by repository or ``*``; without any all may."""
    configuration: str = "pillar"
    """Where configuration of components is: pillar, /a/directory, consul://host:8500, etcd://host:2379."""
    secrets: tuple[str, ...] = ()
    """Entries of that configuration that no answer shows, such as ``kafka/*`` and ``qc/*/*/password``."""
    dpl_user: str = ""
    """The account that DPL commands of templates run as, neither root nor control's own; empty: none run."""
    dpl_timeout_s: Seconds = 120.0
    dpl_environment: str = "/etc/profile.d/o2.sh"
    """What is sourced before a DPL command, if it is there."""
    database: str = ""
    """SQLAlchemy's URL. Empty: SQLite in `var/lib/o2/control` below Salt's `root_dir`, or in a folder beside
    the master's keys where these are at a place of their own; never in a cache."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Variables below those of any role (AliECS's GlobalDefaults)."""
    vars: dict[str, str] = field(default_factory=dict)
    """Variables above every role's defaults (AliECS's GlobalVars)."""
    integrations: tuple[str, ...] = ()
    """Services that workflows may call, see ``salt_o2/integration``; none unless the site names them."""
    heartbeat_s: Seconds = 5.0
    pool: PoolLimits = field(default_factory=PoolLimits)
    """How much may wait in the pool: ``per_host``, ``total``, and ``idle_s``, for how long, in seconds."""
    journal: JournalLimits = field(default_factory=JournalLimits)
    """How much of the past is kept: ``keep_days`` and ``keep_rows``; and how much of it one host may fill."""
    acknowledge_s: Seconds = 1.0
    """How long a host may take to say that it has a command, before it gets it as a Salt job."""


def read_site(*layers: Any) -> tuple[Site, tuple[str, ...]]:
    """Return the settings in ``layers``, the later ones above the earlier, and the faults of unusable ones.

    Mappings are merged. An unusable setting has its default, an unusable variable is omitted.
    """
    faults: list[Fault] = []
    merged = _merged(layers, faults)
    known = {name: merged[name] for name in Site.__dataclass_fields__ if name in merged}
    for block in VARIABLE_BLOCKS:
        if isinstance(given := known.get(block), Mapping):
            known[block] = variable_texts(given)
    site, more = salvage(known, Site)
    site, wrong = _without_wrong_variables(site)
    named = (f"o2:{str(fault).replace('.', ':', 1)}" for fault in (*faults, *more, *wrong))
    return site, tuple(without_password(fault) for fault in named)


def _merged(layers: Iterable[Any], faults: list[Fault]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in layers:
        if layer is None:
            continue
        if not isinstance(layer, Mapping):
            faults.append(Fault("", f"expected a mapping, not {shown(layer)}"))
            continue
        for key, value in layer.items():
            below = merged.get(key)
            both = isinstance(value, Mapping) and isinstance(below, Mapping)
            merged[key] = {**(below or {}), **value} if both else value
    return merged


def _without_wrong_variables(site: Site) -> tuple[Site, list[Fault]]:
    """Leave out variables of the site that would stop every creation."""
    faults: list[Fault] = []
    for block in VARIABLE_BLOCKS:
        given: dict[str, str] = getattr(site, block)
        wrong = {name: why for name, value in given.items() if (why := fault_of_variable(name, value))}
        faults += [Fault(f"{block}.{name}", why) for name, why in wrong.items()]
        valid = {name: value for name, value in given.items() if name not in wrong}
        changed: dict[str, Any] = {block: valid}
        site = replace(site, **changed) if wrong else site
    return site, faults


def fault_of_variable(name: str, value: str) -> str:
    """Return why control cannot use a variable that it reads itself; empty if it can, or does not read it."""
    if name == "auto_stop_timeout":
        try:
            run_arguments.seconds(value)
        except InvalidRequestError:
            return f"it is {shown(value)}, expected a duration, as in 1m30s"
    if name in NUMBERS and not _is_number(value, *NUMBERS[name]):
        least, unit = NUMBERS[name]
        bound = "more than 0" if least > 0 else "0 or more"
        return f"it is {shown(value)}, expected {unit}: a number, {bound} and at most {MOST:,.0f}"
    return ""


def check_variables(variables: Mapping[str, str]) -> None:
    """Ensure that control can use the ``variables`` that it reads itself.

    Raises:
        InvalidRequestError: naming each variable that is not valid, and what is expected.
    """
    faults = ((name, fault_of_variable(name, value)) for name, value in variables.items())
    if wrong := [f"variable {name} is not valid: {fault}" for name, fault in faults if fault]:
        raise InvalidRequestError("\n".join(wrong))


def _is_number(value: str, least: float, unit: str) -> bool:
    try:
        found = int(value) if unit == RESTARTS else float(value)
    except ValueError:
        return False
    return least <= found <= MOST


def timeouts(site: Site, variables: Mapping[str, str]) -> Timeouts:
    """Return the limits that ``variables`` set, in seconds; all other limits keep their defaults."""
    limits = Timeouts(acknowledge=site.acknowledge_s)
    for name, event in TIMEOUT_VARIABLES.items():
        if name in variables:
            limits.by_event[event] = typed(variables[name], Seconds)
    return limits
