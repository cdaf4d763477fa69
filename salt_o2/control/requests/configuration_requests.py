"""Request handlers for the configuration of components: show, list, set, import."""

from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.requests.arguments import Entries, Progress, Set, Show, Verbs
from salt_o2.core.plan.overrides import variable_texts
from salt_o2.core.url_masking import HIDDEN
from salt_o2.site.configuration.template_functions import payload_functions
from salt_o2.site.resources import configuration_of
from salt_o2.site.settings import Site
from salt_o2.workflow.variables.stack import Stack


class ConfigurationRequests:
    """Serves requests that read or write configuration."""

    def __init__(self, site: Site, threads: RequestThreads) -> None:
        """Use the configuration of ``site``; read it in ``threads``."""
        self._site = site
        self._threads = threads
        self._configuration = configuration_of(site)
        self.verbs: Verbs = {
            "config_show": (Show, self._show),
            "config_list": (Entries, self._list),
            "config_set": (Set, self._set),
            "config_import": (Set, self._set),
        }

    async def _show(self, wanted: Show, user: str, _progress: Progress) -> dict[str, Any]:
        return await self._threads.look.run(user, self._shown, wanted)

    def _shown(self, wanted: Show) -> dict[str, Any]:
        from salt_o2.site.configuration.query import parse_query

        path = self._configuration.resolve(parse_query(wanted.path))
        if self._configuration.secrets.covers(path):
            return {"path": path, "payload": HIDDEN}
        variables = {**self._site.defaults, **self._site.vars, **variable_texts(wanted.vars)}
        role = Stack((variables,), None)
        payload = (
            self._configuration.get(wanted.path, variables, payload_functions(self._configuration, role))
            if wanted.simulate
            else self._configuration.raw(wanted.path)
        )
        return {"path": path, "payload": payload}

    async def _list(self, wanted: Entries, user: str, _progress: Progress) -> list[str]:
        return await self._threads.read.run(user, self._configuration.entries, wanted.component)

    async def _set(self, wanted: Set, user: str, _progress: Progress) -> dict[str, Any]:
        configuration = self._configuration
        path = await self._threads.read.run(
            user, configuration.set, wanted.path, wanted.payload, wanted.new_component
        )
        return {"path": path, "backend": configuration.backend.name}
