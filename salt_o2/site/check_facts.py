"""What ``site_check`` is given, and one of its findings."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where it is written, what it is, and what to do."""

    where: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """All that the checks look at."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """``o2:`` of the master's configuration."""
    pillar: Mapping[str, Any] = field(default_factory=dict)
    """``o2:`` of the master's own pillar."""
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``o2:`` of each accepted minion's pillar."""
    known: Mapping[str, Mapping[str, str]] | None = None
    """The attributes that each host has told control; ``None`` if control does not answer."""
    faults: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What each host, and control under the name ``control``, could not use of settings and messages."""
    pillar_errors: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What Salt could not compile, by minion."""
    engines: Collection[str] = ()
    wired: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Which rules (paths of SLS) the master's reactor has for which tag."""
    ours: Collection[str] = ()
    """The tags that the project's own set of rules answers."""
    rules: Mapping[str, str | None] = field(default_factory=dict)
    """The text of each wired rule; ``None`` if there is no such file."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the master enforces of ``external_auth`` and ``publisher_acl``."""
    functions: Collection[str] = ()
    """The runner functions that there are, such as ``o2.run_stop``."""
