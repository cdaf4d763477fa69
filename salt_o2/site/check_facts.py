"""Define the input of ``site_check``, and its findings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: its place, its description, and what to do."""

    where: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """The facts that the checks examine."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """``o2:`` of the master's configuration."""
    pillar: Mapping[str, Any] = field(default_factory=dict)
    """``o2:`` of the master's own pillar."""
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``o2:`` of each accepted minion's pillar."""
    known: Mapping[str, Mapping[str, str]] | None = None
    """The attributes that each host has reported to control; ``None`` if control does not answer."""
    faults: Mapping[str, Collection[str]] = field(default_factory=dict)
    """The settings and messages that each host, and control under the name ``control``, could not use."""
    pillar_errors: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What Salt could not compile, by minion."""
    engines: Collection[str] = ()
    wired: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Which rules (paths of SLS) the master's reactor has for which tag."""
    ours: Collection[str] = ()
    """The tags to which the project's own set of rules reacts."""
    rules: Mapping[str, str | None] = field(default_factory=dict)
    """The text of each wired rule; ``None`` if there is no such file."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The value of ``external_auth`` and ``publisher_acl`` that the master enforces."""
    functions: Collection[str] = ()
    """The available runner functions, such as ``o2.run_stop``."""
