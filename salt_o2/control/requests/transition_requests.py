"""Run a transition or modification of one environment for a user, and report its progress."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from salt_o2.control.environments.service import ActiveEnvironment, Control
from salt_o2.control.planning.drafts import new_id
from salt_o2.control.requests.handler import Progress
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.views import environment_view
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error, UnknownNameError
from salt_o2.core.ids import EnvironmentId, resolve_prefix
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.states import EnvironmentEvent, follow

log = logging.getLogger(__name__)


async def run_transition(
    control: Control,
    held: ActiveEnvironment,
    events: tuple[EnvironmentEvent, ...],
    user: str,
    progress: Progress,
    *,
    undo: bool = False,
    automatic: bool = False,
    keep: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """Run the transitions ``events`` of ``held`` and return its record afterwards.

    Raises:
        IllegalTransitionError: if the state of the environment does not allow the first event.
        TaskError: if a transition began and failed.
    """
    environment = held.environment
    follow(environment.model.state, events[0], f"environment {environment.model.id}")
    number = None
    if EnvironmentEvent.START_ACTIVITY in events and environment.model.active is None:
        number = control.store.reserve_run()
    request = Requested(
        at=control.clock(),
        request=new_id(),
        events=events,
        user=user,
        run_number=number,
        undo=undo,
        automatic=automatic,
        keep=keep,
        reason=reason,
    )
    with _watching(control, held, progress):
        await control.request(held, request)
    return StalenessView(control).environment_view(held)


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
    log.error("one of several things failed", exc_info=result)
    return f"control's own fault: {result!r}; see its log"


def kept_id(store: Store, prefix: str) -> EnvironmentId:
    """Return the id of the environment, active or ended, whose id is or uniquely begins with ``prefix``.

    For any thread; reads only committed rows.

    Raises:
        UnknownNameError: if no environment matches, or more than one.
    """
    return resolve_prefix(prefix, store.ids_beginning(prefix) if prefix else [], "known environment")


def find_kept(store: Store, prefix: str) -> StoredEnvironment:
    """Return the stored environment that ``prefix`` names, see ``kept_id``.

    For any thread except the one of an event loop: it decodes the whole plan.

    Raises:
        UnknownNameError: if no environment matches, or more than one, or its row cannot be read.
    """
    id = kept_id(store, prefix)
    kept = store.find(id)
    if kept is None:
        raise UnknownNameError(f"the row of environment {id} in control's store cannot be read: see info")
    return kept


async def run_modification(
    control: Control, held: ActiveEnvironment, wanted: Modified, shape: Overrides, progress: Progress
) -> dict[str, Any]:
    """Give ``held`` another plan and return its record afterwards.

    Raises:
        StorageError: if it could not be persisted; nothing has changed then.
        TaskError: if a task could not join; the environment continues without it.
    """
    control.store.ensure_writable()
    with _watching(control, held, progress):
        await control.reshaping.apply(held, wanted, shape)
    return StalenessView(control).environment_view(held)


@contextmanager
def _watching(control: Control, held: ActiveEnvironment, progress: Progress) -> Iterator[None]:
    def watch(watched: Environment) -> None:
        progress(environment_view.progress(watched, control.clock()))

    held.watchers.append(watch)
    try:
        yield
    finally:
        held.watchers.remove(watch)
