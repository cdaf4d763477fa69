"""Tells Salt's loader where the plug-ins lie; called in every Salt process, so it imports nothing heavy."""

import importlib

PLUGIN_KINDS = ("modules", "states", "runners", "engines", "netapi", "output")


def plugin_dirs() -> dict[str, list[str]]:
    """Map each Salt plug-in kind to the folders that hold ours."""
    return {kind: list(importlib.import_module(f"salt_o2.{kind}").__path__) for kind in PLUGIN_KINDS}
