"""Read templates from a directory with ``workflows/<name>.yaml`` and ``tasks/<name>.yaml``."""

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from salt_o2.core.errors import TemplateError, UnknownNameError
from salt_o2.workflow.limits import FILE_BYTES, REPOSITORY_BYTES, REPOSITORY_FILES
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.sources.confined_files import is_file_within, names_within, read_within, stat_within
from salt_o2.workflow.sources.git_command import others_may_write, reading_git, repository_at
from salt_o2.workflow.sources.source import Template
from salt_o2.workflow.sources.template_index import Entry, entries_of

log = logging.getLogger(__name__)

_NAME = re.compile(r"[\w@+-][\w.@+-]*")
_KINDS = ("workflows", "tasks")
_SUFFIX = ".yaml"
_TOO_LARGE = (
    f"more than {REPOSITORY_BYTES:,} bytes, so this repository is not used; other repositories and "
    "running tasks are not affected. Remove large files from it"
)


class Directory:
    """Templates in a directory of this machine, which may be the work tree of a git repository."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.repositories: Any = None
        """The repositories to which references of its templates lead; ``None``: there are none."""
        self.services: Any = None
        """The services of the site for its templates; ``None``: the site is not known."""

    def workflows(self) -> list[tuple[str, str]]:
        """Return name and description of each workflow; the description of a faulty file is its fault."""
        return [
            (name, f"cannot be read: {entry.fault}" if entry.fault else entry.description)
            for name, entry in self.index()
        ]

    def index(self) -> Iterator[tuple[str, Entry]]:
        """Yield the name of each workflow, and what lists show of it; within the limits of an index."""
        return entries_of(self.path, self.names(), lambda name: self._read("workflows", name))

    def names(self) -> list[str]:
        """Return the name of each workflow, in order."""
        return self._names("workflows")

    def stamp(self, name: str) -> int:
        """Return when the file of the workflow ``name`` last changed, in nanoseconds; 0 without a file."""
        try:
            return stat_within(self.path, _file("workflows", name)).st_mtime_ns
        except OSError:
            return 0

    def workflow(self, name: str) -> Template:
        """Return the workflow template in ``<name>.yaml``, or else the one whose root role has that name.

        Raises:
            UnknownNameError: if there is none, naming the nearest.
            TemplateError: if the file cannot be read.
        """
        names = self._names("workflows")
        if name in names:
            return self._read("workflows", name)
        by_root = [file for file, entry in self.index() if entry.root == name]
        if len(by_root) == 1:
            return self._read("workflows", by_root[0])
        raise UnknownNameError(
            f"no workflow {name} in {self.path / 'workflows'}{nearest(name, names) or _all(names)}"
        )

    def task(self, name: str) -> Template:
        """Return the task template in ``<name>.yaml``.

        Raises:
            UnknownNameError: if there is none, naming the nearest.
            TemplateError: if the file cannot be read.
        """
        if _NAME.fullmatch(name) and is_file_within(self.path, _file("tasks", name)):
            return self._read("tasks", name)
        names = self._names("tasks")
        raise UnknownNameError(f"no task class {name} in {self.path / 'tasks'}{nearest(name, names)}")

    def revision(self) -> str:
        """Return the git commit, with ``+dirty`` if templates differ; without git a digest of the files."""
        try:
            return self._committed() or self._digest()
        except UnknownNameError as error:
            _log_once(f"{self.path}: its git cannot be read ({error}): its revision is a digest of its files")
            return self._digest()

    def _committed(self) -> str:
        """Return the commit; nothing without one, or if git tracks none of the templates.

        The files are compared with the commit here, so no program that the settings of the tree name is run.
        """
        repository = repository_at(self.path)
        if repository is None:
            return ""
        if others_may_write(repository):
            _log_once(
                f"{repository} can be written by others than its owner: the revision of {self.path} is a "
                f"digest of its files; chmod g-w,o-w {repository} and its config, and it is the commit again"
            )
            return ""
        commit = reading_git(self.path, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
        committed = _listed(reading_git(self.path, "ls-tree", "-r", "-z", commit, "--", *_KINDS))
        if not committed:
            return ""
        return f"{commit}+dirty" if self._differs(committed) else commit

    def _differs(self, committed: dict[str, str]) -> bool:
        """Return whether the templates differ from those of a commit, ``committed`` by their names."""
        found = {
            _file(kind, name): content
            for kind in _KINDS
            for name, content in self._contents(kind, links=True)
        }
        if any(name not in found or _object_id(found[name], oid) != oid for name, oid in committed.items()):
            return True
        new = found.keys() - committed.keys()
        return bool(new) and not new <= self._ignored()

    def _ignored(self) -> set[str]:
        asked = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", *_KINDS)
        return set(reading_git(self.path, *asked).decode(errors="replace").split("\0"))

    def _names(self, kind: str) -> list[str]:
        try:
            names = names_within(self.path, kind)
        except OSError as error:
            raise UnknownNameError(f"{self.path / kind} cannot be listed: {error.strerror}") from error
        if len(names) > REPOSITORY_FILES:
            raise UnknownNameError(f"{self.path / kind} has more than {REPOSITORY_FILES:,} files")
        stems = (name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        return sorted(stem for stem in stems if _NAME.fullmatch(stem))

    def _read(self, kind: str, name: str) -> Template:
        shown = _file(kind, name)
        try:
            content = read_within(self.path, shown, FILE_BYTES + 1)
            if len(content) > FILE_BYTES:
                raise TemplateError(f"{shown}: larger than {FILE_BYTES:,} bytes")
            return Template(name, shown, content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise TemplateError(f"{shown}: not UTF-8 at byte {error.start}") from error
        except OSError as error:
            raise TemplateError(f"{shown}: {error.strerror}: {self.path / shown}") from error

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for kind in _KINDS:
            for name, content in self._contents(kind):
                digest.update(f"{kind}/{name} {len(content)}\n".encode())
                digest.update(content)
        return f"sha256:{digest.hexdigest()[:40]}"

    def _contents(self, kind: str, links: bool = False) -> Iterator[tuple[str, bytes]]:
        """Return the templates with their content; with ``links``, a link has its target, as in git.

        Raises:
            UnknownNameError: if they have more bytes than a repository may have.
        """
        left = REPOSITORY_BYTES
        for name in self._names(kind):
            try:
                path = self.path / _file(kind, name)
                if links and path.is_symlink():
                    yield name, os.fsencode(path.readlink())
                else:
                    content = read_within(self.path, _file(kind, name), FILE_BYTES + 1)
                    left -= len(content)
                    if left < 0:
                        raise UnknownNameError(f"{self.path / kind}: {_TOO_LARGE}")
                    yield name, content
            except OSError:
                yield name, b""


def _file(kind: str, name: str) -> str:
    return f"{kind}/{name}{_SUFFIX}"


def _listed(tree: bytes) -> dict[str, str]:
    """Return the templates of a commit, from ``git ls-tree -z``: their object ids by name."""
    found = {}
    for entry in filter(None, tree.split(b"\0")):
        about, _, name = entry.partition(b"\t")
        kind, _, stem = os.fsdecode(name).partition("/")
        if kind in _KINDS and stem.endswith(_SUFFIX) and _NAME.fullmatch(stem.removesuffix(_SUFFIX)):
            found[os.fsdecode(name)] = about.split()[2].decode()
    return found


def _object_id(content: bytes, like: str) -> str:
    """Return git's id of a file with ``content``, by the hash function of the id ``like``."""
    kind = "sha1" if len(like) == 40 else "sha256"
    return hashlib.new(kind, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1_000)
def _log_once(line: str) -> None:
    log.warning("%s", line)


def _all(names: list[str]) -> str:
    return f"; there are {', '.join(names[:20])}" if names else "; there is none at all"
