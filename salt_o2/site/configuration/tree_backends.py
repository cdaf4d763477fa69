"""Configuration in mappings of mappings: Salt's pillar, and directories of YAML files."""

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from salt_o2.core.errors import InvalidRequestError
from salt_o2.site.configuration.backend import ROOT, ReadOnly, below, checked
from salt_o2.workflow.limits import FILE_BYTES
from salt_o2.workflow.sources.confined_files import files_within, is_file_within, read_within, write_within

_SUFFIX = ".yaml"
MOST_ENTRIES = 200_000
"""Entries of one YAML file, with each alias counted as its whole content."""
FRESH_S = 3.0
"""How long a compiled pillar is used, in seconds."""


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
    """The pillar below ``o2:`` at ``components``, ``runtime`` and ``hardware``.

    Run-time values that templates set are stored beside it, as long as this process of control runs.
    """

    name = "the pillar"

    def __init__(self, pillar: Callable[[], Mapping[str, Any]]) -> None:
        """Read from ``pillar``, which returns the present value of ``o2:``."""
        self._pillar = pillar
        self._set: dict[str, str] = {}
        self._read: dict[str, str] = {}
        self._until = 0.0

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        return self._set.get(checked(key)) or self._flat().get(checked(key))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        return below([*{**self._flat(), **self._set}], prefix)

    def put(self, key: str, value: str) -> None:
        """Store a run-time value; refuse everything else.

        Raises:
            InvalidRequestError: if it is configuration, which belongs into the pillar's files.
        """
        if not key.startswith(f"{ROOT}/runtime/"):
            super().put(key, value)
        self._set[key] = value

    def _flat(self) -> dict[str, str]:
        if time.monotonic() >= self._until:  # Compiling a pillar takes long, and one load reads many times.
            pillar = self._pillar()
            wanted = {name: pillar[name] for name in ("components", "runtime", "hardware") if name in pillar}
            self._read = dict(flat(wanted, ROOT))
            self._until = time.monotonic() + FRESH_S
        return self._read


class Folder:
    """A directory: each file is an entry, or, with the suffix ``.yaml``, a whole tree."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Use everything below ``path``, whose folders are named as the tree is, without ``o2``."""
        self._path = Path(path)
        self.name = f"the directory {path}"

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``."""
        name = _below(key)
        if is_file_within(self._path, name):
            return self._text(name)
        return dict(self._trees()).get(key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``."""
        plain = [f"{ROOT}/{name}" for name in self._files() if not name.endswith(_SUFFIX)]
        return below([*dict.fromkeys([*plain, *dict(self._trees())])], prefix)

    def put(self, key: str, value: str) -> None:
        """Write ``value`` to the file of ``key``, atomically.

        Raises:
            InvalidRequestError: if a link is on the way, or the file cannot be written.
        """
        try:
            write_within(self._path, _below(key), value.encode())
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise InvalidRequestError(f"the key {key!r} leads out of {self.name}") from error
            raise InvalidRequestError(f"{self._path / _below(key)}: {error.strerror}") from error

    def _files(self) -> Iterator[str]:
        """Find the files by their names, except hidden files of editors and links that lead out."""
        for name in sorted(files_within(self._path)) if self._path.is_dir() else ():
            if not any(part.startswith(".") for part in name.split("/")):
                yield name

    def _text(self, name: str) -> str:
        try:
            content = read_within(self._path, name, FILE_BYTES + 1)
        except OSError as error:
            raise InvalidRequestError(f"{self._path / name}: {error.strerror}") from error
        if len(content) > FILE_BYTES:
            raise InvalidRequestError(f"{self._path / name}: larger than {FILE_BYTES:,} bytes")
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise InvalidRequestError(f"{self._path / name}: not UTF-8 at byte {error.start}") from error

    def _trees(self) -> Iterator[tuple[str, str]]:
        for name in self._files():
            if not name.endswith(_SUFFIX):
                continue
            try:
                tree = _read_tree(self._text(name))
            except (yaml.YAMLError, RecursionError, ValueError) as error:
                raise InvalidRequestError(f"{self._path / name}: not YAML: {error}") from error
            yield from flat(tree, f"{ROOT}/{name.removesuffix(_SUFFIX)}")


def _read_tree(text: str) -> Any:
    """Return the content of YAML ``text``.

    Raises:
        yaml.YAMLError: if it is no YAML.
        ValueError: if it has more than ``MOST_ENTRIES`` entries, each alias counted as its whole content.
    """
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        if _size(root, {}) > MOST_ENTRIES:
            raise ValueError(f"more than {MOST_ENTRIES:,} entries, with those that aliases stand for")
        return loader.construct_document(root)
    finally:
        loader.dispose()


def _size(node: Any, known: dict[int, int]) -> int:
    """Return the number of nodes in ``node``, aliases included; each node is visited once."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_ENTRIES + 1  # An alias inside its own content has no end.
    parts = node.value if isinstance(node, yaml.CollectionNode) else ()
    inner = (part for entry in parts for part in (entry if isinstance(entry, tuple) else (entry,)))
    known[id(node)] = 1 + sum(_size(part, known) for part in inner)
    return known[id(node)]


def _below(key: str) -> str:
    return checked(key).removeprefix(f"{ROOT}/")
