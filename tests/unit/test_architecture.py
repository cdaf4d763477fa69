"""The rules of the packages: which may import which, in which order inside, and how large a folder may be.

Change a rule only with a decision record.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "salt_o2"
PLUGINS = {"modules", "runners", "states"}
GUARDED = {"salt", "grpc", "cryptography"}
MOST_MODULES = 12
"""In one folder, without ``__init__``."""

MAY_IMPORT = {
    "core": set(),
    "concurrency": {"core"},
    "linux": {"core"},
    "client": {"core", "linux"},
    "presentation": {"core"},
    "workflow": {"core"},
    "site": {"core", "linux", "workflow", "integration"},
    "occ": {"core", "concurrency", "grpc"},
    "device": {"core", "occ"},
    "agent": {"core", "concurrency", "linux", "occ"},
    "sealing": {"core", "cryptography"},
    "integration": {"core"},
    "control": {"core", "concurrency", "linux", "workflow", "site", "integration"},
    "bus": {"core", "concurrency", "linux", "sealing", "salt"},
    "api": {"core", "client", "control", "salt"},
    "netapi": {"core", "api"},
    "engines": {"core", "concurrency", "linux", "agent", "control", "site", "bus", "salt"},
    "simulation": {
        "core", "concurrency", "linux", "occ", "device", "agent", "control", "site", "bus", "sealing",
        "cryptography",
    },
    "output": {"presentation"},
    "cluster": {"core", "linux", "client", "cryptography"},
    "doctor": {"core", "linux", "client"},
    "cli": {
        "core", "client", "presentation", "workflow", "site", "occ", "device", "cluster", "doctor",
    },
    "modules": {"core", "occ", "agent", "client", "salt"},
    "runners": {"core", "client", "site", "salt"},
    "states": {"core", "client", "salt"},
}  # fmt: skip

INSIDE = {
    "core": ["", "plan", "messages", "tasks", "placement", "pool", "environment", "recovery"],
    "workflow": [
        "", "expressions", "expressions.language", "expressions.functions", "expressions.evaluation",
        "variables", "templates", "sources", "expansion", "authoring",
    ],
    "occ": ["wire", ""],
    "device": ["control", "transport", "", "kinds", "conformance"],
    "agent": ["storage", "device", "launch", "process", "task", ""],
    "site": ["payloads", "configuration", "dpl", ""],
    "control": ["storage", "hosts", "planning", "environments", "reports", "views", "requests", ""],
    "cluster": ["", "lifecycle", "faults"],
    "simulation": ["machine", "programs", ""],
    "api": ["access", "requests", "handlers", ""],
    "cli": ["ui", "environment", "commands", ""],
}  # fmt: skip
"""The folders of a package, lowest first: each imports those before it. ``""`` is the package itself."""


def layer_of(module):
    """The layer that a dotted module name belongs to, or None for what has no rule."""
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


def name_of(path):
    """The dotted name of a file below ``salt_o2``, ``core.plan.launch``; an ``__init__`` is its package."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(LIBRARY.rglob("*.py"))}
"""All modules and packages of the library by their names."""


def is_package(name):
    return MODULES[name].name == "__init__.py"


def imported_by(name):
    """The modules of the library that a module imports; a package only if nothing below it is meant."""
    named = {
        each.removeprefix("salt_o2.") for each in imports_of(MODULES[name]) if each.startswith("salt_o2.")
    }
    found = named & set(MODULES)
    return {one for one in found if not any(other.startswith(one + ".") for other in found & named)}


def folder_in(package, name):
    """The folder of a module inside its package; ``""`` is the package's own."""
    inside = name if is_package(name) else name.rpartition(".")[0]
    return inside.removeprefix(package).removeprefix(".")


def files_of(layer):
    folder = ROOT / layer if layer in PLUGINS else LIBRARY / layer
    return sorted(folder.rglob("*.py"))


def is_upward(name, to):
    """Whether an import inside the library breaks the rules of the packages or of the folders inside one."""
    package, other = name.partition(".")[0], to.partition(".")[0]
    if {package, other} - set(MAY_IMPORT) or is_package(name):  # a package's ``__init__`` re-exports
        return False
    if package != other:
        return other not in MAY_IMPORT[package]
    order = INSIDE.get(package, [""])
    return order.index(folder_in(package, to)) > order.index(folder_in(package, name))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_modules_import_only_what_lies_below_them(package):
    inside = [name for name in MODULES if name.partition(".")[0] == package]
    assert {(name, to) for name in inside for to in imported_by(name) if is_upward(name, to)} == set()


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_packages_and_plug_ins_import_only_the_packages_that_they_may(layer):
    for path in files_of(layer):
        reached = {layer_of(name) for name in imports_of(path)} - {None, layer}
        assert reached <= MAY_IMPORT[layer], f"{path.relative_to(ROOT)} imports {reached - MAY_IMPORT[layer]}"


def test_every_folder_of_the_library_has_its_place_in_the_rules():
    packages = {name for name in MODULES if is_package(name) and name != ""}
    assert {name for name in packages if "." not in name} <= set(MAY_IMPORT)
    folders = {name for name in packages if "." in name}
    assert folders <= {f"{package}.{folder}" for package, order in INSIDE.items() for folder in order}


def test_no_folder_has_too_many_modules():
    counted = {}
    for name in MODULES:
        if not is_package(name):
            counted.setdefault(name.rpartition(".")[0], []).append(name)
    assert {folder for folder, names in counted.items() if len(names) > MOST_MODULES} == set()


def test_no_module_imports_the_package_that_it_is_in():
    """A package's ``__init__`` re-exports for others; a module that imports it would be a cycle."""
    for name in MODULES:
        above = {name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)}
        assert not above & imported_by(name), f"{name} imports {above & imported_by(name)}"


def test_packages_may_import_each_other_without_a_cycle():
    assert cycles_of(MAY_IMPORT) == set()


@pytest.mark.parametrize("above", ["if TYPE_CHECKING:", "def load():", "try:"])
def test_an_import_inside_a_block_counts_as_an_import(tmp_path, above):
    path = tmp_path / "module.py"
    path.write_text(
        f"{above}\n    from salt_o2.core.ids import TaskId\n" + "except E: pass\n" * (above == "try:")
    )
    assert "salt_o2.core.ids" in set(imports_of(path))


def test_modules_that_reach_each_other_are_a_cycle():
    assert cycles_of({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == {frozenset("abc")}


def test_no_module_is_imported_by_a_relative_name():
    """Rules are checked by whole names."""
    for path in sorted(LIBRARY.rglob("*.py")):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not any(node.level for node in imports), path


def test_modules_import_each_other_without_a_cycle():
    """Imports for type checking only count, too."""
    waiting = {name: imported_by(name) - {name} for name in MODULES if not is_package(name)}
    while free := {name for name, needs in waiting.items() if not needs & set(waiting)}:
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    assert cycles_of(waiting) == set()


def cycles_of(needs):
    """The groups of modules that reach each other."""
    reached = {name: set(to) & set(needs) for name, to in needs.items()}
    while grown := {
        name: more for name, to in reached.items() if (more := to.union(*(reached[one] for one in to))) != to
    }:
        reached |= grown
    return {
        frozenset(one for one in to if name in reached[one]) for name, to in reached.items() if name in to
    }


@pytest.mark.parametrize("layer", ["modules", "runners", "states", "engines"])
def test_plug_in_files_hold_functions_only(layer):
    for path in files_of(layer):
        classes = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        assert classes == [], f"{path.relative_to(ROOT)} defines {classes}"
