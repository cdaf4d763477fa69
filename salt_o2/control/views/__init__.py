"""Environments, plans and journals as plain dicts."""
