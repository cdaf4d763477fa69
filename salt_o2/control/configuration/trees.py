"""Configuration in mappings of mappings: Salt's pillar, and directories of YAML files."""

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from salt_o2.control.configuration.backend import ReadOnly, below
from salt_o2.core.errors import InvalidRequest

ROOT = "o2"
_SUFFIX = ".yaml"
FRESH_S = 3.0
"""How long the pillar is not compiled again."""


def flat(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    """Return the texts of a mapping of mappings under their paths; a list is JSON."""
    if isinstance(tree, Mapping):
        for name, entry in tree.items():
            yield from flat(entry, f"{path}/{name}" if path else str(name))
    elif isinstance(tree, str):
        yield path, tree
    else:
        yield path, "" if tree is None else json.dumps(tree)


class PillarTree(ReadOnly):
    """What the pillar has below ``o2:`` at ``components``, ``runtime`` and ``hardware``.

    Run-time values that templates set are kept beside it, for as long as this control lives.
    """

    name = "the pillar"

    def __init__(self, pillar: Callable[[], Mapping[str, Any]]) -> None:
        """``pillar`` returns what is below ``o2:``, as it is now."""
        self._pillar = pillar
        self._set: dict[str, str] = {}
        self._read: dict[str, str] = {}
        self._until = 0.0

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        return self._set.get(key) or self._flat().get(key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        return below([*{**self._flat(), **self._set}], prefix)

    def put(self, key: str, value: str) -> None:
        """Keep a run-time value; everything else is refused.

        Raises:
            InvalidRequest: if it is configuration, which belongs into the pillar's files.
        """
        if not key.startswith(f"{ROOT}/runtime/"):
            super().put(key, value)
        self._set[key] = value

    def _flat(self) -> dict[str, str]:
        if time.monotonic() >= self._until:  # to compile a pillar takes long, and one load asks many times
            pillar = self._pillar()
            wanted = {name: pillar[name] for name in ("components", "runtime", "hardware") if name in pillar}
            self._read = dict(flat(wanted, ROOT))
            self._until = time.monotonic() + FRESH_S
        return self._read


class Folder:
    """A directory: each file is an entry, or, with the suffix ``.yaml``, a whole tree."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Keep everything below ``path``, whose folders are named as the tree is, without ``o2``."""
        self._path = Path(path)
        self.name = f"the directory {path}"

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        file = self._file(key)
        if file.is_file():
            return file.read_text()
        return dict(self._trees()).get(key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        plain = [
            f"{ROOT}/{file.relative_to(self._path)}"
            for file in self._path.rglob("*")
            if file.is_file() and file.suffix != _SUFFIX and not file.name.startswith(".")
        ]
        return below([*dict.fromkeys([*plain, *dict(self._trees())])], prefix)

    def put(self, key: str, value: str) -> None:
        """Write ``value`` to the file of ``key``, whole or not at all."""
        file = self._file(key)
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False) as stream:
            stream.write(value)
        Path(stream.name).replace(file)

    def _file(self, key: str) -> Path:
        file = self._path / key.removeprefix(f"{ROOT}/")
        if not file.resolve().is_relative_to(self._path.resolve()):
            raise InvalidRequest(f"the key {key!r} leads out of {self.name}")
        return file

    def _trees(self) -> Iterator[tuple[str, str]]:
        for file in sorted(self._path.rglob(f"*{_SUFFIX}")):
            try:
                tree = yaml.safe_load(file.read_text())
            except yaml.YAMLError as error:
                raise InvalidRequest(f"{file}: not YAML: {error}") from error
            yield from flat(tree, f"{ROOT}/{file.relative_to(self._path).with_suffix('')}")
