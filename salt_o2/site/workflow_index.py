"""Search the site's repositories of templates, in their order."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from salt_o2.core.errors import O2Error, UnknownNameError
from salt_o2.core.url_masking import without_password
from salt_o2.site.configuration import Configuration
from salt_o2.workflow.problems import nearest
from salt_o2.workflow.sources.directory import Directory
from salt_o2.workflow.sources.reference import parse_reference
from salt_o2.workflow.sources.site_repositories import Address, FileServer, SiteRepositories
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.sources.template_index import Entry
from salt_o2.workflow.variables.site_services import Services

log = logging.getLogger(__name__)

_NONE: Mapping[str, str] = {}
_ALL: Mapping[str, Sequence[str]] = {}


class Purpose(StrEnum):
    """Why a workflow is loaded, which decides what its templates may do on the master."""

    CREATE = "create"
    """For an environment: run-time values are set, dumps written, DPL commands run."""
    GENERATE = "generate"
    """For later: DPL commands run, and nothing else changes."""
    PLAN = "plan"
    """To show a plan: nothing runs and changes; what would have to run is an error."""
    LOOK = "look"
    """To show a workflow: nothing runs and changes; what would have to run is left open."""


class SiteResources(tuple[str, ...]):
    """The repositories of a site, and the means to open them."""

    site: SiteRepositories
    configuration: Configuration | None = None
    """The configuration of the site's components, for templates."""
    without_effects: Callable[[Purpose], Services] | None = None
    """Returns the services for templates that must not change anything; ``None``: there are none."""

    @classmethod
    def of(
        cls,
        listed: Iterable[str],
        cache: Path,
        fileserver: FileServer | None = None,
        services: Services | None = None,
        revisions: Mapping[str, Sequence[str]] = _ALL,
    ) -> "SiteResources":
        """Return the index of ``listed``, opened with a cache and with the services of this site.

        ``revisions`` has the patterns of the revisions that may be used, by repository.
        """
        made = cls(listed)
        made.site = SiteRepositories(made, cache, fileserver, services, revisions)
        return made


def find(repositories: Sequence[str], workflow: str, purpose: Purpose = Purpose.CREATE) -> Source:
    """Return the first repository that has ``workflow``, with the services of its templates for ``purpose``.

    All repositories are searched for a file of this name, then all for a root role of this name. So no file
    of a repository is read to find a workflow of another one by its file.

    The workflow is given as name, name@revision or repository/workflows/name@revision.

    Raises:
        UnknownNameError: if no repository has it; the message names the nearest.
    """
    site, wanted = _site(repositories), parse_reference(workflow, "workflows")
    services = _services(repositories, site, purpose)
    if wanted.repository:
        return _Named(site.find(wanted.repository, wanted.revision, Directory("")), wanted.name, services)
    names: list[str] = []
    faults: list[str] = []
    opened: list[Directory] = []
    for address in site.listed:
        try:
            source = site.open(Address(address.repository, wanted.revision or address.revision))
            found = source.names()
            if wanted.name in found:
                return _Named(source, wanted.name, services)
            opened.append(source)
            names += found
        except UnknownNameError as error:
            names += _names(site, address)
            faults.append(str(error))
        except OSError as error:
            faults.append(f"{without_password(address.repository)}: {error}")
    for source in opened:
        try:
            source.workflow(wanted.name)
        except (UnknownNameError, OSError) as error:
            faults.append(str(error))
        else:
            return _Named(source, wanted.name, services)
    reasons = f"; {'; '.join(faults)}" if faults and not names else ""
    raise UnknownNameError(f"no workflow {workflow}{nearest(workflow, names)}; {_choice(names)}{reasons}")


def catalogue(repositories: Sequence[str], site_vars: Mapping[str, str] = _NONE) -> list[dict[str, Any]]:
    """Return every workflow: name, description, revision, source, ``public``, and described ``variables``.

    A form shows the value of the site's vars for a variable in them: it takes precedence over the template's.
    A repository that cannot be read is one row without a name, with the reason as ``problem``.
    """
    site = _site(repositories)
    return [row for address in site.listed for row in _rows(site, address, site_vars)]


def _rows(site: SiteRepositories, address: Address, site_vars: Mapping[str, str]) -> list[dict[str, Any]]:
    try:
        source = site.open(address)
        revision = source.revision()
        return [
            {
                "name": name,
                "description": f"cannot be read: {entry.fault}" if entry.fault else entry.description,
                "revision": revision,
                "source": without_password(address.repository),
            }
            | _form(entry, site_vars)
            for name, entry in source.index()
        ]
    except (O2Error, OSError) as error:
        return [_broken(address, str(error))]
    # This is a defect of Salt O² or of a library; the other repositories are listed.
    except Exception as error:
        log.exception("the repository %s cannot be read", without_password(address.repository))
        return [_broken(address, repr(error))]


def _broken(address: Address, why: str) -> dict[str, Any]:
    return {
        "name": "",
        "description": f"this repository cannot be read: {why}",
        "revision": address.revision,
        "source": without_password(address.repository),
        "public": False,
        "variables": [],
        "problem": why,
    }


class _Named:
    """A source that finds its one workflow by the whole requested reference."""

    def __init__(self, source: Source, name: str, services: Services | None) -> None:
        self._source = source
        self._name = name
        self.repositories = getattr(source, "repositories", None)
        self.services = services
        self.directory = source if isinstance(source, Directory) else None
        self.path: Path | None = getattr(source, "path", None)
        self.repository = getattr(source, "repository", None) or str(self.path or "")

    def workflow(self, name: str) -> Any:
        return self._source.workflow(parse_reference(name, "workflows").name)

    def task(self, name: str) -> Any:
        return self._source.task(name)

    def revision(self) -> str:
        return self._source.revision()


def _form(entry: Entry, site_vars: Mapping[str, str]) -> dict[str, Any]:
    variables = [
        {
            "name": each.name,
            "block": each.block,
            "value": site_vars.get(each.name, each.value),
            "type": each.type,
            "label": each.label,
            "description": each.description,
            "widget": each.widget,
            "panel": each.panel,
            "values": list(each.values),
            "index": each.index,
            "rows": each.rows,
            "visibleif": each.visibleif,
            "enabledif": each.enabledif,
        }
        for each in entry.variables
    ]
    return {"public": entry.public, "variables": variables}


def _names(site: SiteRepositories, address: Address) -> list[str]:
    """Return the names of the workflows of a repository, for advice; none if it cannot be read."""
    try:
        return site.open(address).names()
    except (O2Error, OSError):
        return []


def _services(repositories: Sequence[str], site: SiteRepositories, purpose: Purpose) -> Services | None:
    if purpose is Purpose.CREATE or not isinstance(repositories, SiteResources):
        return site.services
    return repositories.without_effects(purpose) if repositories.without_effects else None


def _site(repositories: Sequence[str]) -> SiteRepositories:
    if isinstance(repositories, SiteResources):
        return repositories.site
    return SiteRepositories(repositories, private_cache())


def private_cache() -> Path:
    """Return the folder of clones for a user other than the Salt master."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "salt-o2"


def _choice(names: list[str]) -> str:
    return (
        f"there are {', '.join(names)}"
        if names
        else "none is configured: set o2: repositories: on the master"
    )
