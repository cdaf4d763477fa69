"""Configuration in mappings of mappings: Salt's pillar, and directories of YAML files."""

import errno
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from salt_o2.core.errors import InvalidRequestError
from salt_o2.site.configuration.backend import ROOT, ReadOnly, below, checked
from salt_o2.workflow.limits import FILE_BYTES, NESTING
from salt_o2.workflow.sources.confined_files import (
    Stamp,
    files_within,
    is_file_within,
    is_folder_within,
    is_settled,
    read_within,
    stamp_of,
    stat_within,
    write_within,
)

_SUFFIX = ".yaml"
MOST_ENTRIES = 200_000
"""Entries of one YAML file, with each alias counted as its whole content."""
MOST_CHARACTERS = 20_000_000
"""Characters of all keys and texts of one YAML file, with each alias counted as its whole content."""
MOST_PATH = 4_096
"""Characters of one key."""
MOST_FILES = 50_000
"""Files below one folder of a directory of configuration."""
STORED_CHARACTERS = 100_000_000
"""Characters of the YAML files whose content is stored in memory."""
FRESH_S = 3.0
"""How long a compiled pillar is used, in seconds."""
_DIGITS = 100
_FAULT = 1_000
_TOO_LONG = f"more than {MOST_CHARACTERS:,} characters, with those that aliases stand for"
log = logging.getLogger(__name__)


def flat(tree: Any, path: str) -> Iterator[tuple[str, str]]:
    """Return the texts of a mapping of mappings under their paths; a list is JSON.

    Raises:
        ValueError: if a path is too long.
    """
    if isinstance(tree, Mapping):
        for name, entry in tree.items():
            if len(path) + len(str(name)) > MOST_PATH:
                raise ValueError(f"a key of more than {MOST_PATH:,} characters")
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
    """A directory: each file is an entry, or, with the suffix ``.yaml``, a whole tree.

    A file that cannot be read is an error for the keys below its own name only.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Use everything below ``path``, whose folders are named as the tree is, without ``o2``."""
        self._path = Path(path)
        self._known = _KnownTrees()
        self.name = f"the directory {path}"

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``; only files whose names begin the key are read.

        Raises:
            InvalidRequestError: if one of these files cannot be read.
        """
        name = _below(key)
        if is_file_within(self._path, name):
            return self._text(name)
        # The longest name takes precedence.
        found: str | None = None
        for file in self._files_above(name):
            found = self._tree(file).get(checked(key), found)
        return found

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``; a file that cannot be read is one key, its name.

        Raises:
            InvalidRequestError: if the file of ``prefix`` itself cannot be read, or there are too many files.
        """
        inside = _below(prefix)
        found = {key: None for file in self._files_above(inside) for key in self._tree(file)}
        for name in self._files(inside):
            found |= dict.fromkeys(self._keys_of(name))
        return below([*found], prefix)

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

    def _files(self, inside: str) -> Iterator[str]:
        """Find the files below ``inside``, except hidden files of editors and links that lead out."""
        names = files_within(self._path, inside) if self._path.is_dir() else iter(())
        try:
            files = list(islice(names, MOST_FILES + 1))
        except OSError as error:
            raise InvalidRequestError(f"{self._path / inside}: {error.strerror}") from error
        if len(files) > MOST_FILES:
            raise InvalidRequestError(f"{self._path / inside}: more than {MOST_FILES:,} files")
        return (name for name in sorted(files) if not _is_hidden(name))

    def _files_above(self, name: str) -> Iterator[str]:
        """Return the YAML files that may contain ``name``, the shortest first."""
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            file = "/".join(parts[:count])
            if _is_hidden(file):
                return
            if is_file_within(self._path, f"{file}{_SUFFIX}"):
                yield f"{file}{_SUFFIX}"
            if not is_folder_within(self._path, file):
                return

    def _keys_of(self, name: str) -> Iterable[str]:
        if not name.endswith(_SUFFIX):
            return [f"{ROOT}/{name}"]
        try:
            return self._tree(name)
        except InvalidRequestError as error:
            log.warning("the keys of this file are not listed: %s", error)
            return [_root(name)]

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

    def _tree(self, name: str) -> Mapping[str, str]:
        """Return the texts in the file ``name`` by their keys.

        Raises:
            InvalidRequestError: if it cannot be read.
        """
        try:
            stamp = stamp_of(stat_within(self._path, name))
        except OSError as error:
            raise InvalidRequestError(f"{self._path / name}: {error.strerror}") from error
        found = self._known.get(name, stamp)
        if found is None:
            found = _parsed(self._text(name), _root(name))
            self._known.store(name, stamp, found)
        if found.fault:
            raise InvalidRequestError(f"{self._path / name}: not YAML: {found.fault}")
        return found.texts


class _Tree(NamedTuple):
    """The content of one YAML file."""

    texts: Mapping[str, str]
    fault: str = ""
    """Why it cannot be read; empty if it can."""
    characters: int = 0
    """Characters of its keys and texts."""


class _KnownTrees:
    """The content of YAML files that have not changed since; the least recently used are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trees: OrderedDict[str, tuple[Stamp, _Tree]] = OrderedDict()
        self._characters = 0

    def get(self, name: str, stamp: Stamp) -> _Tree | None:
        with self._lock:
            known = self._trees.get(name)
            if known is None or known[0] != stamp:
                return None
            self._trees.move_to_end(name)
            return known[1]

    def store(self, name: str, stamp: Stamp, tree: _Tree) -> None:
        if not is_settled(stamp):
            return
        with self._lock:
            self._drop(name)
            self._trees[name] = (stamp, tree)
            self._characters += tree.characters
            while self._characters > STORED_CHARACTERS or len(self._trees) > MOST_FILES:
                self._drop(next(iter(self._trees)))

    def _drop(self, name: str) -> None:
        if name in self._trees:
            self._characters -= self._trees.pop(name)[1].characters


def _parsed(text: str, root: str) -> _Tree:
    """Return the content of a YAML file with its keys below ``root``, or why it cannot be read."""
    texts: dict[str, str] = {}
    characters = 0
    try:
        for path, value in flat(_read_tree(text), root):
            texts[path] = value
            characters += len(path) + len(value)
            if characters > MOST_CHARACTERS:
                raise ValueError(_TOO_LONG)
    # A TypeError is a value that is no JSON, such as a set.
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        return _Tree({}, str(error)[:_FAULT], _FAULT)
    return _Tree(texts, "", characters)


def _read_tree(text: str) -> Any:
    """Return the content of YAML ``text``.

    Raises:
        yaml.YAMLError: if it is no YAML.
        ValueError: if it exceeds a limit, each alias counted as its whole content.
    """
    # libyaml composes nodes by recursion in C, and deep nesting would end the process: the limits come first.
    _check_size(text)
    return yaml.load(text, Loader=_Loader)


def _check_size(text: str) -> None:
    """Refuse YAML with too many entries, too many characters, or too deep nesting."""
    sizes: dict[str, tuple[int, int]] = {}
    inside: list[tuple[str, int, int]] = []
    entries = characters = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            more, longer = sizes.get(event.anchor or "", (1, 0))
            entries, characters = entries + more, characters + longer
        elif isinstance(event, yaml.ScalarEvent):
            entries, characters = entries + 1, characters + len(event.value)
            if event.anchor:
                sizes[event.anchor] = (1, len(event.value))
        elif isinstance(event, yaml.CollectionStartEvent):
            inside.append((event.anchor or "", entries, characters))
            entries += 1
            if event.anchor:  # An alias inside its own content has no end.
                sizes[event.anchor] = (MOST_ENTRIES + 1, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before, shorter = inside.pop()
            if anchor:
                sizes[anchor] = (entries - before, characters - shorter)
        if entries > MOST_ENTRIES:
            raise ValueError(f"more than {MOST_ENTRIES:,} entries, with those that aliases stand for")
        if characters > MOST_CHARACTERS:
            raise ValueError(_TOO_LONG)
        if len(inside) > NESTING:
            raise ValueError(f"nested more than {NESTING} levels deep")


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Loader: Any = type("_Loader", (_LOADER,), {})


def _as_written(loader: Any, node: Any) -> Any:
    return loader.construct_scalar(node)


def _number(read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the constructor of a number that leaves a very long one as text.

    PyYAML reads numbers of base 60 (``1:1:1``) in a time that is quadratic in their length.
    """
    return lambda loader, node: (_as_written if len(node.value) > _DIGITS else read)(loader, node)


_Loader.add_constructor("tag:yaml.org,2002:int", _number(yaml.constructor.SafeConstructor.construct_yaml_int))
_Loader.add_constructor(
    "tag:yaml.org,2002:float", _number(yaml.constructor.SafeConstructor.construct_yaml_float)
)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def _root(name: str) -> str:
    return f"{ROOT}/{name.removesuffix(_SUFFIX)}"


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _below(key: str) -> str:
    return checked(key).removeprefix(f"{ROOT}/")
