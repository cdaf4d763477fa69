"""Request handlers for workflows: check, expand, draw, generate."""

from typing import Any

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.requests.arguments import Draw, Expand, Named, Progress, ShowWorkflow, Verbs
from salt_o2.core.errors import InvalidRequestError, TemplateError
from salt_o2.core.plan.overrides import variable_texts
from salt_o2.site import workflow_index
from salt_o2.site.builtin_variables import built_in
from salt_o2.site.control_variables import READ_BY_CONTROL
from salt_o2.site.settings import Site
from salt_o2.site.workflow_index import Purpose
from salt_o2.workflow.authoring.mermaid import mermaid
from salt_o2.workflow.authoring.outline import outline
from salt_o2.workflow.authoring.svg import svg
from salt_o2.workflow.authoring.variable_catalogue import catalogue_of
from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.expansion.open_variables import OpenVariables
from salt_o2.workflow.expansion.workflow_tree import Workflow
from salt_o2.workflow.sources.reference import parse_reference

MOST_SHOWN = 20_000
"""Tasks of a workflow that is expanded or drawn for a user, at most."""


class WorkflowRequests:
    """Serves requests of template authors."""

    def __init__(self, site: Site, threads: RequestThreads) -> None:
        """Use the repositories and the settings of ``site``; read them in ``threads``."""
        self._site = site
        self._threads = threads
        self.verbs: Verbs = {
            "workflow_check": (Named, self._check),
            "workflow_expand": (Expand, self._expand),
            "workflow_graph": (Draw, self._graph),
            "workflow_generate": (Named, self._generate),
            "workflow_show": (ShowWorkflow, self._show),
        }

    async def _check(self, wanted: Named, user: str, _progress: Progress) -> dict[str, Any]:
        try:
            found = await self._threads.look.run(user, self._load, wanted)
        except TemplateError as error:
            return {"workflow": wanted.workflow, "problems": list(error.problems), "notes": []}
        return {"workflow": wanted.workflow, "problems": [], "notes": list(found.notes)}

    async def _expand(self, wanted: Expand, user: str, _progress: Progress) -> dict[str, Any]:
        return await self._threads.look.run(user, self._outline, wanted)

    async def _graph(self, wanted: Draw, user: str, _progress: Progress) -> dict[str, Any]:
        return await self._threads.look.run(user, self._drawn, wanted)

    def _outline(self, wanted: Expand) -> dict[str, Any]:
        return outline(self._load_some(wanted), wanted.variables, wanted.origins)

    def _drawn(self, wanted: Draw) -> dict[str, Any]:
        found = self._load_some(wanted)
        drawn = mermaid(found) if wanted.format == "mermaid" else svg(found)
        return {"workflow": found.name, "format": wanted.format, "text": drawn}

    def _load_some(self, wanted: Named) -> Workflow:
        """Return a workflow that can be shown.

        Raises:
            InvalidRequestError: if it has so many tasks that the answer would occupy control for seconds.
        """
        found = self._load(wanted)
        if len(found.tasks) > MOST_SHOWN:
            raise InvalidRequestError(
                f"workflow {found.name} has {len(found.tasks)} tasks, control shows at most {MOST_SHOWN}: "
                "choose smaller numbers. `coconut workflow expand FILE` shows all, without control"
            )
        return found

    async def _generate(self, wanted: Named, user: str, _progress: Progress) -> dict[str, Any]:
        found = await self._threads.create.run(user, self._load, wanted, Purpose.GENERATE)
        return {"workflow": wanted.workflow, "tasks": len(found.tasks), "notes": list(found.notes)}

    async def _show(self, wanted: ShowWorkflow, user: str, _progress: Progress) -> dict[str, Any]:
        return await self._threads.look.run(user, self._variables, wanted.workflow)

    def _variables(self, workflow: str) -> dict[str, Any]:
        source = workflow_index.find(self._site.repositories, workflow, Purpose.LOOK)
        found = catalogue_of(source, workflow)
        site = {**built_in(self._site.configuration), **self._site.defaults, **self._site.vars}
        return {
            "workflow": parse_reference(workflow, "workflows").name,
            "description": found.description,
            "revision": source.revision(),
            "variables": found.records(site, READ_BY_CONTROL),
            "not_known": list(found.unknown),
        }

    def _load(self, wanted: Named, purpose: Purpose = Purpose.LOOK) -> Workflow:
        source = workflow_index.find(self._site.repositories, wanted.workflow, purpose)
        beside = getattr(source, "directory", None)
        return load(
            source,
            wanted.workflow,
            variables=variable_texts(wanted.vars),
            site_defaults={**built_in(self._site.configuration), **self._site.defaults},
            site_vars=self._site.vars,
            outside=OpenVariables(beside, parse_reference(wanted.workflow, "workflows").name),
        )
