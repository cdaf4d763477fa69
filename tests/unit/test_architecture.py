"""DESIGN's arrows: which folder may import which. Change the list only with a decision record."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = {"modules", "runners", "states"}
GUARDED = {"salt", "grpc", "cryptography"}

MAY_IMPORT = {
    "core": set(),
    "workflow": {"core"},
    "occ": {"core", "grpc"},
    "device": {"core", "occ"},
    "agent": {"core", "occ"},
    "sealing": {"core", "cryptography"},
    "integration": {"core"},
    "control": {"core", "workflow", "integration"},
    "bus": {"core", "sealing", "salt"},
    "engines": {"core", "agent", "control", "bus", "salt"},
    "output": {"control"},
    "cluster": {"core", "control", "cryptography"},
    "doctor": {"core", "agent", "control"},
    "cli": {"core", "workflow", "occ", "device", "control", "cluster", "doctor"},
    "modules": {"core", "occ", "agent", "salt"},
    "runners": {"core", "control", "salt"},
    "states": {"core", "control", "salt"},
}


def layer_of(module):
    """The layer that a dotted module name belongs to, or None for what nobody restricts."""
    parts = module.split(".")
    if parts[0] == "salt_o2":
        return parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else None
    return parts[0] if parts[0] in GUARDED else None


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(layer):
    folder = ROOT / layer if layer in PLUGINS else ROOT / "salt_o2" / layer
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_imports_point_downwards(layer):
    for path in files_of(layer):
        reached = {layer_of(name) for name in imports_of(path)} - {None, layer}
        assert reached <= MAY_IMPORT[layer], f"{path.relative_to(ROOT)} imports {reached - MAY_IMPORT[layer]}"


def test_every_folder_of_the_library_is_in_the_law():
    folders = {path.parent.name for path in (ROOT / "salt_o2").glob("*/__init__.py")}
    assert folders <= set(MAY_IMPORT)


@pytest.mark.parametrize("layer", ["modules", "runners", "states", "engines"])
def test_plug_in_files_hold_functions_only(layer):
    for path in files_of(layer):
        classes = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        assert classes == [], f"{path.relative_to(ROOT)} defines {classes}"
