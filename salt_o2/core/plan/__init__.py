"""A plan and its parts: launches, channels, overrides, differences of two plans."""
