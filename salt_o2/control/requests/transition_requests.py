"""Run a transition or modification of one environment for a user, and report its progress."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from salt_o2.control.environments.active import ActiveEnvironment
from salt_o2.control.environments.modifications import Modifications
from salt_o2.control.environments.service import EnvironmentService
from salt_o2.control.planning.drafts import NewId
from salt_o2.control.requests.arguments import Progress
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.views import environment_view
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.states import EnvironmentEvent

log = logging.getLogger(__name__)


class TransitionRequests:
    """Runs transitions and modifications for all request handlers."""

    def __init__(
        self,
        *,
        environments: EnvironmentService,
        modifications: Modifications,
        store: Store,
        runs: RunStore,
        view_now: ViewNow,
        clock: Callable[[], float],
        new_id: NewId,
    ) -> None:
        """Run transitions by ``environments``; ``view_now`` shows an environment afterwards."""
        self._environments = environments
        self._modifications = modifications
        self._store = store
        self._runs = runs
        self._view_now = view_now
        self._clock = clock
        self._new_id = new_id

    async def run(
        self,
        target: ActiveEnvironment,
        events: tuple[EnvironmentEvent, ...],
        user: str,
        progress: Progress,
        *,
        undo: bool = False,
        automatic: bool = False,
        keep: bool = False,
        reason: str = "",
    ) -> dict[str, Any]:
        """Run the transitions ``events`` of ``target`` and return its record afterwards.

        Raises:
            InvalidRequestError: if another transition is under way.
            IllegalTransitionError: if the state of the environment does not allow the first event.
            TaskError: if a transition began and failed.
        """
        environment = target.environment
        environment.ensure_accepts(events[0])
        number = None
        if EnvironmentEvent.START_ACTIVITY in events and environment.model.active is None:
            number = self._runs.reserve_run()
        request = Requested(
            at=self._clock(),
            request=self._new_id(),
            events=events,
            user=user,
            run_number=number,
            undo=undo,
            automatic=automatic,
            keep=keep,
            reason=reason,
        )
        with self._reporting(target, progress):
            await self._environments.request(target, request)
        return self._view_now().environment_view(target)

    async def modify(
        self, target: ActiveEnvironment, wanted: Modified, overrides: Overrides, progress: Progress
    ) -> dict[str, Any]:
        """Give ``target`` another plan and return its record afterwards.

        Raises:
            StorageError: if it could not be persisted; nothing has changed then.
            TaskError: if a task could not join; the environment continues without it.
        """
        self._store.ensure_writable()
        with self._reporting(target, progress):
            await self._modifications.apply(target, wanted, overrides)
        return self._view_now().environment_view(target)

    @contextmanager
    def _reporting(self, target: ActiveEnvironment, progress: Progress) -> Iterator[None]:
        def report(environment: Environment) -> None:
            progress(environment_view.progress(environment, self._clock()))

        target.watchers.append(report)
        try:
            yield
        finally:
            target.watchers.remove(report)


def outcome(result: str | BaseException) -> str:
    """Return the result of one of several operations, or why it failed; a defect is logged.

    Raises:
        BaseException: ``result``, if it is not an error but the end of this task.
    """
    if isinstance(result, str):
        return result
    if isinstance(result, O2Error):
        return str(result)
    if not isinstance(result, Exception):
        raise result
    log.error("one of several operations failed", exc_info=result)
    return f"internal error of control: {result!r}; see its log"
