"""Configuration of components, run-time values and inventory, whatever keeps them (aliecs.md A4)."""

from salt_o2.control.configuration.configuration import Configuration
from salt_o2.control.configuration.opening import open_backend

__all__ = ["Configuration", "open_backend"]
