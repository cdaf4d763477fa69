"""Index the workflows of a repository: names of root roles, descriptions and forms.

An author chooses the number and the size of the files. So one file has a bound, and the files of one
repository have a bound of bytes and of time. What a file contains is stored until the file changes, so a
search that ran out of time continues at the next request.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from salt_o2.core.errors import O2Error, TemplateError
from salt_o2.workflow.limits import INDEX_BYTES, INDEX_NODES, INDEX_REPOSITORY_BYTES, INDEX_S
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.sources.confined_files import Stamp, is_settled, stamp_of, stat_within
from salt_o2.workflow.sources.source import Template
from salt_o2.workflow.templates.role_template import read_workflow, root_of
from salt_o2.workflow.templates.variable_specs import Specification
from salt_o2.workflow.templates.yaml_document import Mapping, Node, Scalar, read

_STORED_BYTES = 64_000_000
_STORED_FILES = 20_000


class Entry(NamedTuple):
    """What lists of workflows show of one file."""

    root: str = ""
    """The name of the root role."""
    description: str = ""
    public: bool = False
    variables: tuple[Specification, ...] = ()
    """The described variables."""
    fault: str = ""
    """Why the file cannot be read or was not read; empty if it was."""


class _Stored:
    """Entries of files that have not changed since; the least recently used are dropped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Path, tuple[Stamp, Entry]] = OrderedDict()
        self._bytes = 0

    def get(self, file: Path, stamp: Stamp) -> Entry | None:
        with self._lock:
            known = self._entries.get(file)
            if known is None or known[0] != stamp:
                return None
            self._entries.move_to_end(file)
            return known[1]

    def store(self, file: Path, stamp: Stamp, entry: Entry) -> None:
        if not is_settled(stamp):
            return
        with self._lock:
            self._drop(file)
            self._entries[file] = (stamp, entry)
            self._bytes += stamp.size
            while self._bytes > _STORED_BYTES or len(self._entries) > _STORED_FILES:
                self._drop(next(iter(self._entries)))

    def _drop(self, file: Path) -> None:
        if file in self._entries:
            self._bytes -= self._entries.pop(file)[0].size


_STORED = _Stored()


def entries_of(
    folder: Path, files: Iterable[str], template: Callable[[str], Template]
) -> Iterator[tuple[str, Entry]]:
    """Yield the name and the entry of each workflow of the repository at ``folder``.

    ``files`` are the names of the workflows; ``template`` returns one by its name. Files beyond ``INDEX_S``
    seconds or ``INDEX_REPOSITORY_BYTES`` have an entry that says so, unless they are stored.
    """
    until = time.monotonic() + INDEX_S
    left = INDEX_REPOSITORY_BYTES
    for name in files:
        file = f"workflows/{name}.yaml"
        try:
            stamp = stamp_of(stat_within(folder, file))
        except OSError as error:
            yield name, Entry(fault=f"{file}: {error.strerror}: {folder / file}")
            continue
        left -= min(stamp.size, INDEX_BYTES)
        entry = _STORED.get(folder / file, stamp)
        if left < 0:
            entry = Entry(fault=f"{file}: not listed: {_MANY_BYTES}")
        elif stamp.size > INDEX_BYTES:
            entry = Entry(
                fault=f"{file}: larger than {INDEX_BYTES:,} bytes, so it is found by its file name only"
            )
        elif entry is None and time.monotonic() > until:
            entry = Entry(fault=f"{file}: not read yet: {_SLOW}")
        elif entry is None:
            entry = _entry(name, template)
            _STORED.store(folder / file, stamp, entry)
        yield name, entry


_MANY_BYTES = f"the workflows of this repository have more than {INDEX_REPOSITORY_BYTES:,} bytes"
_SLOW = f"reading the workflows of this repository takes more than {INDEX_S:g} s; the next request reads more"


def _entry(name: str, template: Callable[[str], Template]) -> Entry:
    try:
        written = template(name)
        node = read(written.text, written.file, INDEX_NODES)
        root = root_of(node)
        known = Entry(_scalar(root, "name"), _scalar(root, "description"))
    except O2Error as error:
        return Entry(fault=str(error))
    try:
        role = read_workflow(node, written.name, Problems())
    except TemplateError:
        return known  # It is listed; its check says what is wrong.
    return known._replace(public=role.public, variables=tuple(role.described()))


def _scalar(node: Node, key: str) -> str:
    value = node.entries.get(key) if isinstance(node, Mapping) else None
    return " ".join(value.value.split()) if isinstance(value, Scalar) else ""
