"""Git repositories as sources of templates: a bare clone of each, and one tree of files per used commit.

Only branches and tags of a repository are fetched. On a server that accepts pull requests, unknown users can
make other refs (``refs/pull/...``). So neither these nor commits outside all branches and tags can be used.
"""

import hashlib
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from salt_o2.core.errors import O2Error, UnknownNameError
from salt_o2.core.url_masking import without_password
from salt_o2.workflow.limits import FILE_BYTES
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.git_command import fetching_git, listing_git, owner_of, upload_pack
from salt_o2.workflow.sources.git_credentials import remote
from salt_o2.workflow.sources.source import Template
from salt_o2.workflow.sources.template_index import Entry

_Answer = TypeVar("_Answer")
log = logging.getLogger(__name__)

FOLDERS = ("workflows", "tasks", "jit")
"""The folders of a repository that contain templates."""
TREE_BYTES = 64_000_000
"""Bytes of all files of one commit in these folders, each counted in whole blocks of the file system."""
TREES = 200
"""Number of stored trees of files, of all repositories."""
TREES_BYTES = 1_000_000_000
"""Bytes of all stored trees, counted in the same way."""
ABANDONED_S = 3600.0
"""Age in seconds of a folder that an interrupted control has left, when it is removed."""
_BLOCK = 4_096
_SIZE_FILE = ".bytes"
"""A file in each tree, with the bytes of the tree."""
_REVISION = re.compile(r"[\w][\w./+-]*")
_TREE = re.compile(r"[0-9a-f]{40,64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_PART_OF_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SCHEMES = ("https://", "http://", "ssh://", "git://", "file://")
_FETCH_S = 120.0
_DEFAULT = "refs/default"
_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_REFSPECS = (f"+{_BRANCH}*:{_BRANCH}*", f"+{_TAG}*:{_TAG}*")
_ANY: Iterable[str] = ()
_FILE, _PROGRAM, _LINK = "100644", "100755", "120000"


class Pinned(Directory):
    """Templates in a directory that never changes: those of one revision of ``repository``."""

    def __init__(self, path: Path, revision: str, repository: str, restore: Callable[[], object]) -> None:
        """Read the tree at ``path``; ``restore`` writes it again after it was removed for others."""
        super().__init__(path)
        self.repository = repository
        self._revision = revision
        self._restore = restore

    def revision(self) -> str:
        """Return the commit, or the digest of the files."""
        return self._revision

    def names(self) -> list[str]:
        """Return the name of each workflow, in order."""
        return self._with_tree(super().names)

    def index(self) -> Iterator[tuple[str, Entry]]:
        """Yield the name of each workflow, and what lists show of it."""
        self._with_tree(lambda: None)
        return super().index()

    def workflow(self, name: str) -> Template:
        """Return the workflow template ``name``.

        Raises:
            UnknownNameError: if there is none.
            TemplateError: if the file cannot be read.
        """
        return self._with_tree(partial(super().workflow, name))

    def task(self, name: str) -> Template:
        """Return the task template ``name``.

        Raises:
            UnknownNameError: if there is none.
            TemplateError: if the file cannot be read.
        """
        return self._with_tree(partial(super().task, name))

    def _with_tree(self, read: Callable[[], _Answer]) -> _Answer:
        """Return what ``read`` does; write the tree again if it was removed before or meanwhile."""
        mark_used(self.path)
        try:
            if self.path.is_dir():
                return read()
        except O2Error:
            if self.path.is_dir():
                raise
        self._restore()
        return read()


class GitRepository:
    """A repository by its URL, or by the path of a clone on this machine."""

    def __init__(self, url: str, cache: Path, allowed: Iterable[str] = _ANY) -> None:
        """Store the clone and the trees in ``cache``.

        ``allowed`` are patterns (``v*``) of the branches and tags that may be used, with the commits that
        they contain; without any, all may.
        """
        self.url = url
        self._cache = cache
        self._allowed = tuple(allowed)
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        self._clone = cache / "clones" / f"{name}.git"

    def at(self, revision: str = "") -> Pinned:
        """Return the templates of ``revision``: a branch, a tag or a commit; empty is the default branch.

        Raises:
            UnknownNameError: if there is no such revision, it may not be used, or the repository cannot be
                read.
        """
        if revision and not _REVISION.fullmatch(revision):
            raise UnknownNameError(f"{revision!r} cannot be a revision of {self._shown}")
        commit = self._commit(revision)
        return Pinned(self._tree(commit), commit, self.url, lambda: self._tree(commit))

    def refresh(self) -> None:
        """Fetch the branches and tags again.

        Raises:
            UnknownNameError: if the repository cannot be read.
        """
        asked = time.monotonic()
        state = _state_of(self._clone)
        with state.lock:
            # Another thread fetched it during the wait, and its fetch is recent enough.
            if state.begun > asked:
                if state.error:
                    raise UnknownNameError(state.error)
                return
            state.begun, state.error = time.monotonic(), ""
            try:
                if not self._clone.is_dir():
                    self._create()
                else:
                    self._fetch(self._clone)
            except UnknownNameError as error:
                state.error = str(error)
                raise

    def _create(self) -> None:
        self._clone.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._clone.parent) as scratch:
            fetching_git("init", "--quiet", "--bare", "--template=", scratch)
            self._fetch(Path(scratch))  # An empty clone would pass for the last fetched one.
            put(Path(scratch), self._clone)

    @property
    def _shown(self) -> str:
        return without_password(self.url)

    def _fetch(self, clone: Path) -> None:
        try:
            self._fetch_refs(clone, f"+HEAD:{_DEFAULT}", *_REFSPECS)
        except UnknownNameError as error:
            if "remote ref HEAD" not in str(error):
                raise
            self._fetch_refs(clone, *_REFSPECS)  # Its HEAD is a branch without a commit.

    def _fetch_refs(self, clone: Path, *refspecs: str) -> None:
        path = _local(self.url)
        command = [f"--upload-pack={upload_pack(owner_of(path))}"] if path else []
        options = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        known = remote(self.url)
        arguments = (
            "-C",
            str(clone),
            *known.options,
            "fetch",
            *options,
            *command,
            "--",
            known.url,
            *refspecs,
        )
        fetching_git(*arguments, timeout_s=_FETCH_S, private=known.environment)

    def _commit(self, revision: str) -> str:
        if _COMMIT.fullmatch(revision) and self._resolved(revision):
            return revision  # A commit does not change: there is nothing to fetch.
        try:
            self.refresh()
        except UnknownNameError as error:
            if not self._clone.is_dir():
                raise
            log.warning("%s: using what was fetched before: %s", self._shown, error)
        commit = self._resolved(revision)
        if commit is None:
            among = f" among {', '.join(self._allowed)}, which this site may use" if self._allowed else ""
            raise UnknownNameError(
                f"{self._shown} has no branch or tag {revision or 'that is its HEAD'}{among}"
            )
        return commit

    def _resolved(self, revision: str) -> str | None:
        """Return the commit of ``revision`` in the clone, if it is there and may be used."""
        if not self._clone.is_dir():
            return None
        names = [f"{_TAG}{revision}", f"{_BRANCH}{revision}"] if revision else []
        if self._may_use(revision):
            for name in names:
                if commit := self._object(name):
                    return commit
        if revision and not _PART_OF_COMMIT.fullmatch(revision):
            return None
        commit = self._object(revision or _DEFAULT)
        return commit if commit and self._is_contained(commit) else None

    def _object(self, name: str) -> str:
        try:
            asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            found = self._ask(*asked).decode().strip()
        except UnknownNameError:
            return ""
        return found if _COMMIT.fullmatch(found) else ""

    def _is_contained(self, commit: str) -> bool:
        """Return whether a branch or tag that may be used contains ``commit``."""
        asked = ("for-each-ref", f"--contains={commit}", "--format=%(refname)", _BRANCH, _TAG)
        names = self._ask(*asked).decode(errors="replace").split()
        return any(self._may_use(name.removeprefix(_BRANCH).removeprefix(_TAG)) for name in names)

    def _may_use(self, name: str) -> bool:
        return not self._allowed or any(fnmatchcase(name, pattern) for pattern in self._allowed)

    def _ask(self, *arguments: str, given: bytes = b"") -> bytes:
        return fetching_git("-C", str(self._clone), *arguments, given=given)

    def _tree(self, commit: str) -> Path:
        """Return the directory with the templates of ``commit``."""
        path = self._cache / "trees" / commit
        if not path.is_dir():
            entries = [each for each in self._entries(commit) if each.mode in (_FILE, _PROGRAM, _LINK)]
            check_size(self._shown, (each.size for each in entries))
            small = [each for each in entries if each.size <= FILE_BYTES]
            contents = dict(zip((each.name for each in small), self._contents(small), strict=True))
            files = {each.name: contents.get(each.name, TOO_LARGE) for each in entries if each.mode != _LINK}
            links = {each.name: contents.get(each.name, b"") for each in entries if each.mode == _LINK}
            store(files, path, links)
            remove_unused(path.parent, path)
        mark_used(path)
        return path

    def _entries(self, commit: str) -> Iterator["_Entry"]:
        asked = ("-C", str(self._clone), "ls-tree", "-r", "-l", "-z", "--full-tree", commit, "--", *FOLDERS)
        listed = listing_git(*asked)
        for line in filter(None, listed.split(b"\0")):
            about, _, name = line.partition(b"\t")
            mode, _, oid, size = about.decode().split()
            if _stays_inside(os.fsdecode(name)):
                yield _Entry(mode, oid, int(size) if size.isdecimal() else 0, os.fsdecode(name))

    def _contents(self, entries: "list[_Entry]") -> Iterator[bytes]:
        if not entries:
            return
        asked = "".join(f"{each.oid}\n" for each in entries).encode()
        answer = self._ask("cat-file", "--batch", given=asked)
        at = 0
        for each in entries:
            begin = answer.index(b"\n", at) + 1
            yield answer[begin : begin + each.size]
            at = begin + each.size + 1


class _Entry(NamedTuple):
    """A file of a commit."""

    mode: str
    oid: str
    size: int
    name: str


TOO_LARGE = b" " * (FILE_BYTES + 1)
"""The content of a file that is larger than a template may be: its reader reports the size."""
_NO_LINKS: Mapping[str, bytes] = {}


@dataclass(slots=True)
class _State:
    """The state of one clone, shared by threads: two fetches into it at the same time would fail."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    begun: float = 0.0
    """When the last fetch began, by the monotonic clock; it has all refs of that time."""
    error: str = ""
    """Why the last fetch failed; empty if it succeeded."""


@lru_cache(maxsize=1_000)
def _state_of(_clone: Path) -> _State:
    return _State()


def _local(url: str) -> Path | None:
    """Return the path of a repository on this machine."""
    if url.startswith("file://"):
        return Path(url.removeprefix("file://"))
    return None if "://" in url or is_url(url) else Path(url)


def _stays_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not name.startswith("/") and ".." not in parts and bool(parts)


def store(files: Mapping[str, bytes], path: Path, links: Mapping[str, bytes] = _NO_LINKS) -> None:
    """Write ``files``, by names relative to ``path``, all at once; then ``links`` with their targets.

    A link may lead anywhere: its reader refuses it if it leads out (confined_files.py).

    Raises:
        UnknownNameError: if a name leads out of ``path``, or a file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        try:
            _write(Path(scratch), files, links)
            put(Path(scratch), path)
        except OSError as error:
            raise UnknownNameError(
                f"the files of the repository cannot be kept at {path}: {error}"
            ) from error


def _write(folder: Path, files: Mapping[str, bytes], links: Mapping[str, bytes]) -> None:
    for name in (*files, *links):
        if not _stays_inside(name):
            raise UnknownNameError(f"the file {name!r} leads out of its repository")
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    sizes = (*map(len, files.values()), *map(len, links.values()))
    (folder / _SIZE_FILE).write_text(str(sum(map(_in_blocks, sizes))))
    # Links come last, so that no file is written through one of them.
    for name, target in links.items():
        above = [folder / part for part in PurePosixPath(name).parents]
        if target and b"\0" not in target and not any(part.is_symlink() for part in above):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(os.fsdecode(target))


def check_size(shown: str, sizes: Iterable[int]) -> None:
    """Refuse a tree of files of these ``sizes`` of the repository ``shown`` if it is too large to be stored.

    Raises:
        UnknownNameError: if it is.
    """
    if sum(map(_in_blocks, sizes)) > TREE_BYTES:
        raise UnknownNameError(
            f"{shown}: {', '.join(FOLDERS)} have more than {TREE_BYTES:,} bytes in blocks of {_BLOCK}, so "
            "this revision is not used; running tasks are not affected. Remove large files from these folders"
        )


def _in_blocks(size: int) -> int:
    """Return the bytes that a file takes on disk: at least one block, and one for its name and attributes."""
    return (-(-size // _BLOCK) + 1) * _BLOCK


def mark_used(tree: Path) -> None:
    """Record that ``tree`` is used now."""
    with suppress(FileNotFoundError):
        os.utime(tree)


def remove_unused(folder: Path, kept: Path) -> None:
    """Remove the least recently used trees in ``folder`` beyond the limits, except ``kept``.

    Any user can request any commit. A load whose tree is removed writes it again.
    """
    used: dict[Path, float] = {}
    for tree in folder.iterdir():
        with suppress(FileNotFoundError):
            modified = tree.stat().st_mtime
            if _TREE.fullmatch(tree.name):
                used[tree] = modified
            elif time.time() - modified > ABANDONED_S:
                _remove(tree)
    number, left = 0, TREES_BYTES
    for tree in sorted(used, key=lambda each: (each == kept, used[each]), reverse=True):
        number, left = number + 1, left - _bytes_of(tree)
        if tree != kept and (number > TREES or left < 0):
            _discard(tree)


def _bytes_of(tree: Path) -> int:
    """Return the bytes of a tree; of one that an earlier version has written, the most that it may have."""
    try:
        return int((tree / _SIZE_FILE).read_text())
    except (OSError, ValueError):
        return TREE_BYTES


def _discard(tree: Path) -> None:
    """Remove a tree at once for its readers, which would take a half removed one for a whole one."""
    scratch = tempfile.TemporaryDirectory(dir=tree.parent, ignore_cleanup_errors=True)
    with scratch as folder, suppress(FileNotFoundError):
        tree.rename(Path(folder) / tree.name)


def put(scratch: Path, path: Path) -> None:
    """Rename ``scratch`` to ``path``; another thread or process may have done the same meanwhile."""
    whole = scratch.with_name(f"{scratch.name}.whole")
    scratch.rename(whole)
    scratch.mkdir()  # The owner of the folder removes it.
    try:
        whole.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        _remove(whole)


def is_url(text: str) -> bool:
    """Return whether ``text`` must be fetched by git: a URL, ``user@host:path`` or ``host/path``."""
    host = text.split("/", 1)[0]
    return (
        text.startswith(_SCHEMES)
        or (":" in host and "@" in host)
        or (host[:1].isalnum() and "." in host and "/" in text)
    )


def full_url(text: str) -> str:
    """Return the URL for git; ``host/path`` is fetched by https, as in the original."""
    host = text.split("/", 1)[0]
    return text if text.startswith(_SCHEMES) or ":" in host else f"https://{text}"


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)
