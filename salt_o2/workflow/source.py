"""Where templates come from: a directory with ``workflows/<name>.yaml`` and ``tasks/<name>.yaml``."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from salt_o2.core.errors import O2Error, TemplateError, UnknownName
from salt_o2.workflow.document import Mapping, Node, Scalar, read
from salt_o2.workflow.limits import FILE_BYTES
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.role_template import root_of

_NAME = re.compile(r"[\w@+-][\w.@+-]*")
_GIT_S = 10.0
_KINDS = ("workflows", "tasks")
_OID = re.compile(r"^# branch\.oid ([0-9a-f]+)$", re.MULTILINE)


class Template(NamedTuple):
    """The text of a template and the name of its file, for messages."""

    name: str
    file: str
    text: str


class Source(Protocol):
    """A set of workflow and task templates of one revision."""

    def workflow(self, name: str) -> Template:
        """Return a workflow template; raise UnknownName if there is none."""

    def task(self, name: str) -> Template:
        """Return a task template; raise UnknownName if there is none."""

    def revision(self) -> str:
        """Return what identifies the content of the source."""


class Directory:
    """Templates in a directory of this machine, which may be the work tree of a git repository."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.repositories: Any = None
        """Where references of its templates to other repositories lead; ``None``: nowhere."""
        self.services: Any = None
        """What its templates can ask of the site; ``None``: nothing is known of it."""

    def workflows(self) -> list[tuple[str, str]]:
        """Return name and description of each workflow; what is wrong with a file is its description."""
        return [(name, self._description(name)) for name in self.names()]

    def names(self) -> list[str]:
        """Return the name of each workflow, in order."""
        return self._names("workflows")

    def stamp(self, name: str) -> int:
        """Return when the file of the workflow ``name`` was changed last, in nanoseconds; 0 if it is gone."""
        try:
            return self._file("workflows", name).stat().st_mtime_ns
        except OSError:
            return 0

    def workflow(self, name: str) -> Template:
        """Return the workflow template in ``<name>.yaml``, or else the one whose root role has that name.

        Raises:
            UnknownName: if there is none, naming the nearest.
            TemplateError: if the file cannot be read.
        """
        names = self._names("workflows")
        if name in names:
            return self._read("workflows", name)
        by_root = [file for file in names if self._root_field(file, "name") == name]
        if len(by_root) == 1:
            return self._read("workflows", by_root[0])
        raise UnknownName(
            f"no workflow {name} in {self.path / 'workflows'}{nearest(name, names) or _all(names)}"
        )

    def task(self, name: str) -> Template:
        """Return the task template in ``<name>.yaml``.

        Raises:
            UnknownName: if there is none, naming the nearest.
            TemplateError: if the file cannot be read.
        """
        if _NAME.fullmatch(name) and self._file("tasks", name).is_file():
            return self._read("tasks", name)
        names = self._names("tasks")
        raise UnknownName(f"no task class {name} in {self.path / 'tasks'}{nearest(name, names)}")

    def revision(self) -> str:
        """Return the git commit, with ``+dirty`` if templates differ; without git a digest of the files."""
        told = self._git("status", "--porcelain=v2", "--branch", "--ignored", "--", *_KINDS) or ""
        commit = _OID.search(told)
        changes = [line for line in told.splitlines() if not line.startswith("#")]
        if commit is None or (any(map(_is_unknown, changes)) and not self._git("ls-files", "--", *_KINDS)):
            return self._digest()
        dirty = any(not line.startswith("!") for line in changes)
        return f"{commit[1]}+dirty" if dirty else commit[1]

    def _names(self, kind: str) -> list[str]:
        return sorted(path.stem for path in (self.path / kind).glob("*.yaml") if _NAME.fullmatch(path.stem))

    def _file(self, kind: str, name: str) -> Path:
        return self.path / kind / f"{name}.yaml"

    def _read(self, kind: str, name: str) -> Template:
        file = self._file(kind, name)
        shown = f"{kind}/{name}.yaml"
        try:
            with file.open("rb") as stream:
                content = stream.read(FILE_BYTES + 1)
            if len(content) > FILE_BYTES:
                raise TemplateError(f"{shown}: larger than {FILE_BYTES:,} bytes")
            return Template(name, shown, content.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise TemplateError(f"{shown}: not UTF-8 at byte {error.start}") from error
        except OSError as error:
            raise TemplateError(f"{shown}: {error.strerror}: {file}") from error

    def _description(self, name: str) -> str:
        try:
            return self._root_field(name, "description", quiet=False)
        except O2Error as error:
            return f"cannot be read: {error}"

    def _root_field(self, name: str, key: str, quiet: bool = True) -> str:
        try:
            template = self._read("workflows", name)
            return _scalar(root_of(read(template.text, template.file)), key)
        except O2Error:
            if quiet:
                return ""
            raise

    def _git(self, *arguments: str) -> str | None:
        command = ["git", "-C", str(self.path), *arguments]
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_S, env=environment)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for kind in _KINDS:
            for name, content in self._contents(kind):
                digest.update(f"{kind}/{name} {len(content)}\n".encode())
                digest.update(content)
        return f"sha256:{digest.hexdigest()[:40]}"

    def _contents(self, kind: str) -> Iterator[tuple[str, bytes]]:
        for name in self._names(kind):
            try:
                yield name, self._file(kind, name).read_bytes()
            except OSError:
                yield name, b""


def _is_unknown(line: str) -> bool:
    """Tell whether git reports a file that it does not keep: perhaps it keeps none of them."""
    return line.startswith(("?", "!"))


def _scalar(node: Node, key: str) -> str:
    value = node.entries.get(key) if isinstance(node, Mapping) else None
    return " ".join(value.value.split()) if isinstance(value, Scalar) else ""


def _all(names: list[str]) -> str:
    return f"; there are {', '.join(names[:20])}" if names else "; there is none at all"
