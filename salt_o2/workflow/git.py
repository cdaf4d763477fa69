"""Git repositories as sources of templates: a mirror of each, and one unpacked tree for each commit used."""

import hashlib
import io
import logging
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from salt_o2.core.errors import O2Error, UnknownName
from salt_o2.workflow.source import Directory

log = logging.getLogger(__name__)

FOLDERS = ("workflows", "tasks", "jit")
"""What of a repository concerns us."""
_REVISION = re.compile(r"[\w][\w./+-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SCHEMES = ("https://", "http://", "ssh://", "git://", "file://")
_FETCH_S = 120.0


class Pinned(Directory):
    """Templates in a directory that never changes: those of one revision of ``repository``."""

    def __init__(self, path: Path, revision: str, repository: str) -> None:
        super().__init__(path)
        self.repository = repository
        self._revision = revision

    def revision(self) -> str:
        """Return the commit, or the digest of the files."""
        return self._revision


class GitRepository:
    """A repository by its URL, or by the path of a clone on this machine."""

    def __init__(self, url: str, cache: Path) -> None:
        """Keep the mirror and the trees in ``cache``."""
        self.url = url
        self._cache = cache
        name = hashlib.sha256(url.encode()).hexdigest()[:16]
        self._mirror = cache / "mirrors" / f"{name}.git"

    def at(self, revision: str = "") -> Pinned:
        """Return the templates of ``revision``: a branch, a tag or a commit; empty is the default branch.

        Raises:
            UnknownName: if there is no such revision, or the repository cannot be read.
        """
        if revision and not _REVISION.fullmatch(revision):
            raise UnknownName(f"{revision!r} cannot be a revision of {self.url}")
        commit = self._commit(revision)
        return Pinned(self._tree(commit), commit, self.url)

    def refresh(self) -> None:
        """Fetch what is new.

        Raises:
            UnknownName: if the repository cannot be read.
        """
        if not self._mirror.is_dir():
            self._mirror.parent.mkdir(parents=True, exist_ok=True)
            git("clone", "--quiet", "--mirror", "--", self.url, str(self._mirror), timeout_s=_FETCH_S)
        else:
            git("-C", str(self._mirror), "fetch", "--quiet", "--prune", "origin", timeout_s=_FETCH_S)

    def _commit(self, revision: str) -> str:
        if _COMMIT.fullmatch(revision) and self._resolved(revision):
            return revision  # what has a hash does not change: nothing to fetch
        try:
            self.refresh()
        except UnknownName as error:
            if not self._mirror.is_dir():
                raise
            log.warning("%s: using what was fetched before: %s", self.url, error)
        commit = self._resolved(revision or "HEAD")
        if commit is None:
            raise UnknownName(f"{self.url} has no revision {revision or 'HEAD'}")
        return commit

    def _resolved(self, revision: str) -> str | None:
        if not self._mirror.is_dir():
            return None
        try:
            name = f"{revision}^{{commit}}"
            return git("-C", str(self._mirror), "rev-parse", "--verify", "--quiet", name).decode().strip()
        except UnknownName:
            return None

    def _tree(self, commit: str) -> Path:
        """Return the directory with the templates of ``commit``."""
        path = self._cache / "trees" / commit
        if not path.is_dir():
            listed = git("-C", str(self._mirror), "ls-tree", "--name-only", commit).decode().split("\n")
            folders = [folder for folder in FOLDERS if folder in listed]
            archive = git("-C", str(self._mirror), "archive", commit, "--", *folders) if folders else b""
            unpack(archive, path)
        return path


def unpack(archive: bytes, path: Path) -> None:
    """Put the files of a tar ``archive`` at ``path``, all at once.

    Raises:
        UnknownName: if a name or a link leads out of the archive, or an entry is no file, folder or link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        if archive:
            try:
                with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                    _write_members(tar, Path(scratch))
            except (OSError, tarfile.TarError) as error:
                raise UnknownName(f"the files of the repository cannot be unpacked: {error}") from error
        put(Path(scratch), path)


def _write_members(tar: tarfile.TarFile, folder: Path) -> None:
    """Write the members of ``tar`` into ``folder``, which is empty.

    The filters of ``tarfile`` do not exist in Python 3.11.2, which Debian 12 has.
    """
    links = []
    for member in tar.getmembers():
        place = _place_of(member, folder)
        if member.issym():
            links.append((place, member))
        elif member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.isreg() and (content := tar.extractfile(member)):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())
            place.chmod(0o755 if member.mode & 0o100 else 0o644)
        else:
            raise UnknownName(f"{member.name!r} in the repository is neither a file, a folder nor a link")
    # Links come last: no file is written through a link, and a link may lead over another one.
    for place, member in links:
        if any(parent.is_symlink() for parent in place.parents if parent.is_relative_to(folder)):
            raise UnknownName(f"{member.name!r} in the repository lies behind a link")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(member.linkname)
    for place, member in links:
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
            raise UnknownName(f"the link {member.name!r} leads out of its repository, to {member.linkname!r}")


def _place_of(member: tarfile.TarInfo, folder: Path) -> Path:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts:
        raise UnknownName(f"the file {member.name!r} leads out of its repository")
    return folder / name


def store(files: Mapping[str, bytes], path: Path) -> None:
    """Put ``files``, by their names relative to ``path``, there, all at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        for name, content in files.items():
            file = Path(scratch, name)
            if not file.resolve().is_relative_to(Path(scratch).resolve()):
                raise O2Error(f"the file {name!r} leads out of its repository")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        put(Path(scratch), path)


def put(scratch: Path, path: Path) -> None:
    """Let ``path`` be what ``scratch`` is; somebody else may have done it at the same time."""
    whole = scratch.with_name(f"{scratch.name}.whole")
    scratch.rename(whole)
    scratch.mkdir()  # for its owner to remove
    try:
        whole.rename(path)
    except OSError:
        if not path.is_dir():
            raise
        _remove(whole)


def git(*arguments: str, timeout_s: float = 30.0) -> bytes:
    """Return what a git command prints; it asks nobody, and speaks no protocol that runs commands.

    Raises:
        UnknownName: with git's own last words, if it fails.
    """
    environment = {
        **os.environ,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, timeout=timeout_s, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise UnknownName(f"git {arguments[0]}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise UnknownName(f"git: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout


def is_url(text: str) -> bool:
    """Return whether ``text`` must be fetched by git: a URL, ``user@host:path`` or ``host/path``."""
    host = text.split("/", 1)[0]
    return (
        text.startswith(_SCHEMES)
        or (":" in host and "@" in host)
        or (host[:1].isalnum() and "." in host and "/" in text)
    )


def full_url(text: str) -> str:
    """Return what git understands; ``host/path`` is fetched by https, as the original does."""
    host = text.split("/", 1)[0]
    return text if text.startswith(_SCHEMES) or ":" in host else f"https://{text}"


def _remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path, ignore_errors=True)
