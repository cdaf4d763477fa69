"""Items of a device's inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event


@dataclass(slots=True)
class Request:
    """One step that a controller requests. ``done`` is set when the step and its work are finished."""

    event: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    done: Event = field(default_factory=Event)
    refused: bool = False
    """Whether the step was not possible when the device processed it."""


class Shutdown:
    """Request to leave the current state step by step and exit."""
