"""Define the keys under ``o2:`` in pillar and configuration, as types; other keys are reported as faults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.plan.overrides import variable_texts
from salt_o2.site.settings import Site
from salt_o2.workflow.problems import nearest

Ports = tuple[int, int]


@dataclass(slots=True)
class Install:
    """``o2:install``, of state o2.install."""

    version: str = ""
    find_links: str = ""
    index: bool = True
    options: list[str] = field(default_factory=list)


@dataclass(slots=True)
class User:
    """``o2:user``, of state o2.user."""

    name: str = ""
    home: str = ""
    groups: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Directories:
    """``o2:directories``."""

    agent: str = ""
    control: str = ""


@dataclass(slots=True)
class Firewall:
    """``o2:firewall``, of state o2.firewall."""

    manage: str = ""
    zone: str = ""
    family: str = ""
    table: str = ""
    chain: str = ""
    master_ports: list[int] = field(default_factory=list)
    confine: bool | str = "auto"
    masters: str | list[str] = "auto"
    sources: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Master:
    """``o2:master``, of state o2.master."""

    minions: list[str] = field(default_factory=list)
    host_rules: bool = False
    repositories: list[str] = field(default_factory=list)
    examples: bool = False
    user: str = ""
    eauth: str = ""


@dataclass(slots=True, kw_only=True)
class HostPillar:
    """All settings of a host, for agents' engine, states and modules."""

    hosts: list[str] = field(default_factory=list)
    address: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    control_ports: Ports = (0, 0)
    channel_ports: Ports = (0, 0)
    cpus: float = 0
    memory_mb: float = 0
    directory: str = ""
    task_users: list[str] = field(default_factory=list)
    task_environment: list[str] = field(default_factory=list)
    heartbeat_s: float = 0
    control_socket: str = ""
    install: Install | None = None
    user: User | None = None
    directories: Directories | None = None
    limits: dict[str, str | int] = field(default_factory=dict)
    sysctl: dict[str, str | int] = field(default_factory=dict)
    firewall: Firewall | None = None
    master: Master | None = None
    access: dict[str, list[str]] = field(default_factory=dict)
    peers: dict[str, list[str]] = field(default_factory=dict)
    disk_full_percent: float = 0
    returners: list[str] = field(default_factory=list)
    at_start: Literal["look", "apply"] = "look"
    on_full_disk: Literal["tell", "vacuum"] = "tell"


@dataclass(slots=True)
class Detector:
    """``o2:detectors:<name>``."""

    hosts: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class SitePillar:
    """The settings of control beside those of :class:`Site`."""

    detectors: dict[str, Detector] = field(default_factory=dict)
    components: dict[str, Any] = field(default_factory=dict)
    runtime: dict[str, Any] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)


MASTER_SHAPES: tuple[type, ...] = (Site, SitePillar, HostPillar)
"""The master is a host, too: its pillar contains the settings of every host."""
HOST_SHAPES: tuple[type, ...] = (HostPillar,)


def misfits(data: Mapping[str, Any], shapes: tuple[type, ...], where: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the fault of each key of ``data`` that is in none of ``shapes`` or fits none."""
    known = {each.name: shape for shape in reversed(shapes) for each in fields(shape)}
    for key, value in data.items():
        place = f"{where}:{key}"
        if key not in known:
            yield place, f"unknown key{nearest(str(key), known)}"
            continue
        unknown = list(_unknown_below(value, known[key], key, place))
        yield from unknown
        if not unknown:
            yield from _ill_typed(key, value, known[key], place)


def _unknown_below(value: Any, shape: type, key: str, place: str) -> Iterator[tuple[str, str]]:
    """Check maps that have their own type."""
    inner = _inner(shape, key)
    if inner is None or not isinstance(value, Mapping):
        return
    kind, named = inner
    for name, part in value.items() if named else (("", value),):
        if isinstance(part, Mapping):
            yield from misfits(part, (kind,), f"{place}:{name}" if named else place)


def _inner(shape: type, key: str) -> tuple[type, bool] | None:
    annotation: Any = next(each.type for each in fields(shape) if each.name == key)
    named = getattr(annotation, "__origin__", None) is dict
    kinds = get_args(annotation) or (annotation,)
    found = [kind for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]
    return (found[0], named) if found else None


def _ill_typed(key: str, value: Any, shape: type, place: str) -> Iterator[tuple[str, str]]:
    if shape is Site and key in ("defaults", "vars") and isinstance(value, Mapping):
        value = variable_texts(value)  # Control accepts any scalar as its text.
    try:
        typed({key: value}, shape)
    except InvalidRequestError as error:
        yield place, str(error).partition(": ")[2].partition(" - at")[0]
