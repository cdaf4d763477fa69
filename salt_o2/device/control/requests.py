"""What is put into a device's inbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event


@dataclass(slots=True)
class Request:
    """One step that a controller asks for; ``done`` is set when it was taken, and its work is finished."""

    event: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    done: Event = field(default_factory=Event)
    refused: bool = False
    """Whether it was not possible when its turn came."""


class Shutdown:
    """Asks the device to go down from where it is, step by step, and end."""
