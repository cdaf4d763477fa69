"""Configuration of components, run-time values and inventory, in any backend (aliecs.md A4)."""

from salt_o2.site.configuration.backend_factory import open_backend
from salt_o2.site.configuration.configuration import Configuration

__all__ = ["Configuration", "open_backend"]
