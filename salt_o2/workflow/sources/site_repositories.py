"""The repositories of a site: directories, git repositories and Salt's fileserver, each by one line of text.

/srv/o2                               a directory
/srv/o2@v1.2                          a git repository on this machine, at a revision
https://host/path, ssh://..., host/path, user@host:path, each with @revision or without
salt://o2?saltenv=base                what Salt's fileserver has there: with gitfs a branch or tag as saltenv
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import NamedTuple

from salt_o2.core.errors import UnknownNameError
from salt_o2.core.url_masking import without_password
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.git import (
    FOLDERS,
    GitRepository,
    Pinned,
    check_size,
    full_url,
    is_url,
    mark_used,
    remove_unused,
    store,
)
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.variables.site_services import Services

FileServer = Callable[[str, str], Mapping[str, bytes]]
"""Given a path and a saltenv: the files below the path, by their names relative to it."""
SALT = "salt://"
_GENERATED = re.compile(r"jit-[0-9a-f]{40}")
EVERY_OTHER = "*"
"""The key of the revisions for all repositories without their own entry."""
_ALL: Mapping[str, Sequence[str]] = {}


class Address(NamedTuple):
    """A repository and its revision, which may be empty: the default."""

    repository: str
    revision: str

    @property
    def name(self) -> str:
        """The name for users: host and path without scheme, user, parameters and ``.git``."""
        scheme, _, bare = self.repository.rpartition("://")
        bare = re.split(r"[?#]", bare)[0] if scheme else bare
        return bare.rpartition("@")[2].replace(":", "/").removesuffix("/").removesuffix(".git")


def parse_address(text: str) -> Address:
    """Return the repository and the revision that ``text`` names."""
    if text.startswith(SALT):
        path, _, query = text.partition("?")
        return Address(path.rstrip("/"), query.removeprefix("saltenv="))
    begin = text.find("/", text.find("://") + 3 if "://" in text else 0)
    at = text.rfind("@", max(begin, 0))
    if at < 0 or ":" in text[at:]:
        return Address(text, "")
    return Address(text[:at], text[at + 1 :])


class SiteRepositories:
    """Opens the repositories that a site has listed, and no others: a template cannot add a repository."""

    def __init__(
        self,
        listed: Iterable[str],
        cache: Path,
        fileserver: FileServer | None = None,
        services: Services | None = None,
        revisions: Mapping[str, Sequence[str]] = _ALL,
    ) -> None:
        """Store clones and trees in ``cache``; ``services`` are the services of the site for templates.

        ``revisions`` has by repository, or for all others under ``*``, patterns of the branches and tags
        that may be used beside the one that is listed.
        """
        self.listed = tuple(parse_address(text) for text in listed)
        self.generated = cache / "dpl"
        """The folder of workflows that commands have written; each has its own directory."""
        self._cache = cache
        self._fileserver = fileserver
        self._revisions = revisions
        self.services = services

    def find(self, repository: str, revision: str, near: Source) -> Source:
        """Return ``repository`` at ``revision``; empty ones mean that of ``near`` and its default.

        Raises:
            UnknownNameError: if there is no such repository or revision.
        """
        if Path(repository).parent == self.generated and _GENERATED.fullmatch(Path(repository).name):
            return self.open(Address(repository, ""))
        wanted = repository or str(getattr(near, "repository", None) or getattr(near, "path", ""))
        for address in self.listed:
            if _same(address, parse_address(wanted)):
                return self.open(Address(address.repository, revision or address.revision))
        names = [address.name for address in self.listed]
        wanted = without_password(wanted)
        raise UnknownNameError(
            f"no repository {wanted}{nearest(wanted, names)}: the site has {', '.join(names)}"
        )

    def open(self, address: Address) -> Directory:
        """Return the templates at ``address``, with the services of this site.

        Raises:
            UnknownNameError: if there are no templates.
        """
        found = self._open(address)
        found.repositories = self
        found.services = self.services
        return found

    def _open(self, address: Address) -> Directory:
        if address.repository.startswith(SALT):
            return self._served(address)
        remote = is_url(address.repository)
        if not remote and not address.revision:
            return Directory(address.repository)
        url = full_url(address.repository) if remote else address.repository
        return GitRepository(url, self._cache, self._allowed(address.repository)).at(address.revision)

    def _allowed(self, repository: str) -> list[str]:
        """Return the patterns of revisions at which ``repository`` may be used; none if all are allowed."""
        known = parse_address(repository)
        named = [self._revisions[name] for name in self._revisions if _same(known, parse_address(name))]
        patterns = named[0] if named else self._revisions.get(EVERY_OTHER, ())
        listed = [each.revision for each in self.listed if each.repository == repository and each.revision]
        return [*patterns, *map(escape, listed)] if patterns else []

    def _served(self, address: Address) -> Pinned:
        if self._fileserver is None:
            raise UnknownNameError(f"{address.repository} can be read by a Salt master only")
        path = address.repository.removeprefix(SALT)
        files = {
            name: content
            for name, content in self._fileserver(path, address.revision or "base").items()
            if name.split("/", 1)[0] in FOLDERS
        }
        digest = hashlib.sha256()
        for name, content in sorted(files.items()):
            digest.update(f"{name} {len(content)}\n".encode() + content)
        revision = f"sha256:{digest.hexdigest()[:40]}"
        tree = self._cache / "trees" / digest.hexdigest()[:40]
        if not tree.is_dir():
            check_size(address.repository, map(len, files.values()))
            store(files, tree)
            remove_unused(tree.parent, tree)
        mark_used(tree)
        return Pinned(tree, revision, address.repository, lambda: self._served(address))


def _same(listed: Address, wanted: Address) -> bool:
    return wanted.name in (listed.name, listed.repository) or listed.name.endswith(f"/{wanted.name}")
