"""The desk for templates and configuration: check, expand, draw; show, list, set, import."""

from dataclasses import dataclass, field
from typing import Any

from salt_o2.control import shelf
from salt_o2.control.arguments import Value
from salt_o2.control.asking import Progress, Verbs
from salt_o2.control.built_in import built_in
from salt_o2.control.configuration import Configuration, open_backend
from salt_o2.control.shelf import Purpose
from salt_o2.control.site import Site
from salt_o2.control.threads import RequestThreads
from salt_o2.core.errors import TemplateError
from salt_o2.core.shape import variable_texts
from salt_o2.workflow.catalogue import parse_reference
from salt_o2.workflow.display import outline
from salt_o2.workflow.graph import mermaid, svg
from salt_o2.workflow.load import load
from salt_o2.workflow.outside import Outside
from salt_o2.workflow.tree import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """``workflow_check``, ``workflow_generate``: a workflow's name, and variables."""

    workflow: str
    vars: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expand(Named):
    """``workflow_expand``."""

    variables: bool = False
    origins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Named):
    """``workflow_graph``: as ``svg`` or ``mermaid``."""

    format: str = "svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """``config_show``: the path of an entry; ``simulate`` fills it in with ``vars``."""

    path: str
    simulate: bool = False
    vars: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """``config_list``: the entries of one component, or of all."""

    component: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """``config_set`` and ``config_import``: the payload goes to exactly this path."""

    path: str
    payload: str
    new_component: bool = False


class Authoring:
    """Serves authors of templates and of configuration."""

    def __init__(self, site: Site, threads: RequestThreads | None = None) -> None:
        """Use the repositories and the configuration of ``site``, and ``threads`` to read them."""
        self._site = site
        self._threads = threads or RequestThreads()
        listed = site.repositories
        known = listed.configuration if isinstance(listed, shelf.Listed) else None
        self._configuration = known or Configuration(open_backend(site.configuration, dict))
        self.verbs: Verbs = {
            "workflow_check": (Named, self._check),
            "workflow_expand": (Expand, self._expand),
            "workflow_graph": (Draw, self._graph),
            "workflow_generate": (Named, self._generate),
            "config_show": (Show, self._show),
            "config_list": (Entries, self._list),
            "config_set": (Set, self._set),
            "config_import": (Set, self._set),
        }

    async def _check(self, wanted: Named, user: str, _progress: Progress) -> dict[str, Any]:
        try:
            found = await self._threads.look.run(user, self._load, wanted)
        except TemplateError as error:
            return {"workflow": wanted.workflow, "problems": list(error.problems), "notes": []}
        return {"workflow": wanted.workflow, "problems": [], "notes": list(found.notes)}

    async def _expand(self, wanted: Expand, user: str, _progress: Progress) -> dict[str, Any]:
        found = await self._threads.look.run(user, self._load, wanted)
        return outline(found, wanted.variables, wanted.origins)

    async def _graph(self, wanted: Draw, user: str, _progress: Progress) -> dict[str, Any]:
        found = await self._threads.look.run(user, self._load, wanted)
        drawn = mermaid(found) if wanted.format == "mermaid" else svg(found)
        return {"workflow": found.name, "format": wanted.format, "text": drawn}

    async def _generate(self, wanted: Named, user: str, _progress: Progress) -> dict[str, Any]:
        found = await self._threads.create.run(user, self._load, wanted, Purpose.GENERATE)
        return {"workflow": wanted.workflow, "tasks": len(found.tasks), "notes": list(found.notes)}

    async def _show(self, wanted: Show, user: str, _progress: Progress) -> dict[str, Any]:
        return await self._threads.look.run(user, self._shown, wanted)

    def _shown(self, wanted: Show) -> dict[str, Any]:
        from salt_o2.control.configuration.query import parse_query

        path = self._configuration.resolve(parse_query(wanted.path))
        variables = {**self._site.defaults, **self._site.vars, **variable_texts(wanted.vars)}
        payload = (
            self._configuration.get(wanted.path, variables)
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

    def _load(self, wanted: Named, purpose: Purpose = Purpose.LOOK) -> Workflow:
        source = shelf.find(self._site.repositories, wanted.workflow, purpose)
        beside = getattr(source, "directory", None)
        return load(
            source,
            wanted.workflow,
            variables=variable_texts(wanted.vars),
            site_defaults={**built_in(self._site.configuration), **self._site.defaults},
            site_vars=self._site.vars,
            outside=Outside(beside, parse_reference(wanted.workflow, "workflows").name),
        )
