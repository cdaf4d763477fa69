"""Run calls of integrations: evaluate the template's expression, run the function, limit its time.

``func`` of a template is ``<integration>.<function>(<arguments>)``; the arguments are expressions. Functions
are coroutines, so control cancels a function that exceeds its time limit.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from salt_o2.concurrency.background_loops import is_cancel_requested
from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.core.errors import O2Error, TemplateError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import CallIntegration
from salt_o2.workflow.variables.call_arguments import arguments_of
from salt_o2.workflow.variables.site_services import NOWHERE, Services

log = logging.getLogger(__name__)

_CALL = re.compile(r"\s*(?P<integration>\w+)\.(?P<function>\w+)\s*\((?P<arguments>.*)\)\s*", re.DOTALL)

Ended = Callable[[str, str, str], None]
"""Receives the call's name, its result and its error; either the result or the error is empty."""


class Integration(Protocol):
    """A service that workflows can call; ``salt_o2/integration`` has one file for each."""

    async def call(self, function: str, arguments: list[Any], variables: Mapping[str, str]) -> str:
        """Run ``function`` and return its result; raise if it fails or does not exist."""


class IntegrationCalls:
    """Runs calls; each call is identified by its environment and name."""

    def __init__(
        self,
        integrations: Mapping[str, Integration],
        services: Services = NOWHERE,
        threads: RequestThreads | None = None,
    ) -> None:
        """Use ``integrations`` by the names in templates; arguments of calls may query ``services``.

        The arguments are computed in ``threads``.
        """
        self._integrations = integrations
        self._services = services
        self._threads = (threads or RequestThreads()).call
        self._running: dict[tuple[EnvironmentId, str], asyncio.Task[None]] = {}

    def start(self, invoke: CallIntegration, ended: Ended) -> None:
        """Start a call; ``ended`` is called when the call ends, unless it is cancelled."""
        key = (invoke.environment, invoke.call)
        task = asyncio.create_task(self._run(invoke, ended))
        self._running[key] = task
        task.add_done_callback(lambda ended: self._forget(key, ended))

    def cancel(self, environment: EnvironmentId, call: str) -> None:
        """Cancel a call whose result is no longer needed."""
        task = self._running.pop((environment, call), None)
        if task:
            task.cancel()

    def _forget(self, key: tuple[EnvironmentId, str], task: asyncio.Task[None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled() and task.exception():
            log.error(
                "the end of call %s of %s could not be processed", key[1], key[0], exc_info=task.exception()
            )

    async def _run(self, invoke: CallIntegration, ended: Ended) -> None:
        try:
            result, error = await self._result(invoke), ""
        except asyncio.CancelledError:
            if is_cancel_requested():
                raise
            result, error = "", "the integration cancelled its own call without a request"
        except O2Error as failure:
            result, error = "", str(failure)
        except Exception as failure:
            log.exception("call %s of %s", invoke.planned.func, invoke.environment)
            result, error = "", repr(failure)
        ended(invoke.call, result, error)

    async def _result(self, invoke: CallIntegration) -> str:
        written = invoke.planned.func
        found = _CALL.fullmatch(written)
        if not found:
            raise TemplateError(f"{written!r} is not a call: expected integration.function(arguments)")
        service = self._integrations.get(found["integration"])
        if service is None:
            known = ", ".join(sorted(self._integrations)) or "none"
            raise TemplateError(f"no integration {found['integration']!r} is enabled; enabled are: {known}")
        variables = invoke.variables | {
            "environment_id": invoke.environment,
            "__call_func": written,
            "__call_timeout": f"{invoke.planned.timeout_s:g}s",
            "__call_trigger": str(invoke.planned.trigger),
            "__call_await": str(invoke.planned.until),
            "__call_critical": str(invoke.planned.critical).lower(),
            "__call_rolepath": invoke.planned.path,
        }
        arguments = await self._threads.run(  # arguments may read files or query Consul
            invoke.environment,
            arguments_of,
            found["arguments"],
            variables,
            invoke.planned.path,
            self._services,
        )
        return await service.call(found["function"], arguments, variables)
