"""Bounds of numbers in messages from other machines."""

from typing import Annotated

from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
"""A finite measurement."""
RunNumber = Annotated[int, Meta(ge=0, le=2**32 - 1)]
