"""Open the resources of a site for control: its repositories and its configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.site.configuration import Configuration, open_backend
from salt_o2.site.configuration.read_only_backend import Unwritten
from salt_o2.site.configuration.secret_entries import SecretEntries
from salt_o2.site.configuration.template_functions import functions
from salt_o2.site.dpl.generator import Generator
from salt_o2.site.dpl.runner import Settings
from salt_o2.site.settings import Site
from salt_o2.site.workflow_index import Purpose, SiteResources, private_cache
from salt_o2.workflow.expressions.values import NotHere, Refused
from salt_o2.workflow.sources.site_repositories import FileServer
from salt_o2.workflow.variables.site_services import NOWHERE, Bound, Services, services


def _no_pillar() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class MasterContext:
    """The context of the master's process: its pillar below ``o2:``, its fileserver, a folder for caches."""

    pillar: Callable[[], Mapping[str, Any]] = _no_pillar
    pillar_of: Callable[[HostId], Mapping[str, Any]] | None = None
    """Compiles ``o2:`` of the pillar of a host."""
    fileserver: FileServer | None = None
    cache: Path | None = None


NOTHING = MasterContext()
DUMPS = 200
"""Files that templates may write with Dump."""
_NONE: Mapping[str, Any] = {}


def open_resources(site: Site, around: MasterContext, integrations: Mapping[str, Any] = _NONE) -> Site:
    """Return ``site`` with its repositories and its configuration ready for use.

    The attribute ``functions`` of an integration has functions for templates, such as those of ``odc.``: by
    name, given the requesting role's variables, the function. Such a function changes nothing and runs
    nothing, because requests that only show a workflow call it, too.

    Raises:
        InvalidRequestError: if a setting names no backend.
    """
    cache = around.cache or private_cache()
    backend = open_backend(site.configuration, around.pillar)
    configuration = Configuration(backend, SecretEntries(site.secrets))
    found: dict[str, Any] = {"Dump": lambda _variables: lambda text, path: dump_to_cache(cache, text, path)}
    listed = SiteResources.of(site.repositories, cache, around.fileserver, found, site.revisions)
    listed.configuration = configuration
    settings = Settings(site.dpl_user, site.dpl_timeout_s, site.dpl_environment)
    generator = Generator(listed.site, settings, configuration.backend.get)
    from_integrations = _integration_functions(integrations)
    found |= services(functions(configuration) | generator.running() | from_integrations, at_site=True)

    def without_effects(purpose: Purpose) -> Services:
        """Return the services for templates that must not change anything."""
        missing = NotHere if purpose is Purpose.LOOK else Refused
        dpl = generator.running() if purpose is Purpose.GENERATE else generator.reading(missing)
        unwritten = Configuration(Unwritten(configuration.backend))
        return services(functions(unwritten) | dpl | from_integrations, at_site=True)

    listed.without_effects = without_effects
    return replace(site, repositories=listed)


def configuration_of(site: Site) -> Configuration:
    """Return the configuration of a site; of pillar without entries for a site without open resources."""
    listed = site.repositories
    known = listed.configuration if isinstance(listed, SiteResources) else None
    return known or Configuration(open_backend(site.configuration, dict), SecretEntries(site.secrets))


def with_a_backend(site: Site, around: MasterContext) -> tuple[Site, tuple[str, ...]]:
    """Return ``site``, with the pillar if ``configuration`` names no backend, and the fault of that."""
    try:
        open_backend(site.configuration, around.pillar)
    except InvalidRequestError as error:
        return replace(site, configuration=Site().configuration), (str(error),)
    return site, ()


def _integration_functions(integrations: Mapping[str, Any]) -> dict[tuple[str, str], Bound]:
    return {
        (name, function): bound
        for name, integration in integrations.items()
        for function, bound in getattr(integration, "functions", {}).items()
    }


def services_of(site: Site) -> Services:
    """Return the services of a site with open resources for its templates; nothing for other sites."""
    listed = site.repositories
    return (listed.site.services if isinstance(listed, SiteResources) else None) or NOWHERE


def dump_to_cache(cache: Path, text: str, path: str) -> None:
    """Write ``text`` to a file with the name of ``path``, in the only directory that templates may write.

    Raises:
        InvalidRequestError: if ``path`` has no name for a file.
    """
    name = Path(path).name
    if not name or name.startswith("."):
        raise InvalidRequestError(f"{path!r} is not a file name")
    folder = cache / "dumps"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / name).exists() and sum(1 for _ in folder.iterdir()) >= DUMPS:
        raise InvalidRequestError(f"{folder} has {DUMPS} dumps of templates, which is the limit: remove some")
    (folder / name).write_text(text)
