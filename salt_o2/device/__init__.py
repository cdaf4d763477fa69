"""FairMQ-compatible device in Python. Derive from ``Device``, start with ``o2-device module:Class``."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The name is exported below, on first access.
    from salt_o2.device.base import Device

__all__ = ["Device"]


def __getattr__(name: str) -> Any:
    """Load ``Device`` on first access. The conformance checks do not need it."""
    if name == "Device":
        from salt_o2.device.base import Device

        return Device
    raise AttributeError(name)
