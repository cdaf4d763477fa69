"""Request handlers for history: the journal as text, a past state of an environment, comparisons."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.requests.arguments import Past, Progress, Two, Verbs
from salt_o2.control.storage.journal import JournalEntry
from salt_o2.control.storage.retention import CUT, PLANS
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.views import environment_view
from salt_o2.control.views.journal_view import format_journal
from salt_o2.control.views.moments import moment
from salt_o2.control.views.plan_comparison import difference
from salt_o2.core.codec import typed
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import UnknownNameError
from salt_o2.core.ids import POOL, EnvironmentId
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.messages.quiet_entries import QUIET
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.recovery.replay import HOSTS, KINDS, Created, Entry, overrides_after, replay

_MOST_DIGITS = 18
"""Digits of a run number that a database can hold."""


class HistoryRequests:
    """Serves requests for the history of environments, active or ended."""

    def __init__(self, *, store: Store, runs: RunStore, threads: RequestThreads) -> None:
        """Read the journals of ``store`` in ``threads``."""
        self._store = store
        self._runs = runs
        self._threads = threads.past
        self.verbs: Verbs = {
            "env_history": (Past, self._history),
            "env_replay": (Past, self._replay),
            "env_diff": (Two, self._diff),
        }

    async def _history(self, wanted: Past, user: str, _progress: Progress) -> list[dict[str, Any]]:
        self._store.flush()
        return await self._threads.run(user, self._journal_lines, wanted)

    def _journal_lines(self, wanted: Past) -> list[dict[str, Any]]:
        id = EnvironmentId(wanted.id) if wanted.id in (POOL, HOSTS) else self._store.resolve_prefix(wanted.id)
        # The whole journal is formatted, because a line may refer to lines before the first requested one.
        lines = format_journal(self._store.journal(id, moment(wanted.until)))
        new = lines[wanted.after :]
        if wanted.effects_only:
            new = [line for line in new if line["kind"] not in QUIET]
        return new[-wanted.limit :]

    async def _replay(self, wanted: Past, user: str, _progress: Progress) -> dict[str, Any]:
        self._store.flush()
        return await self._threads.run(user, self._replayed, wanted)

    def _replayed(self, wanted: Past) -> dict[str, Any]:
        stored = self._store.find_by_prefix(wanted.id)
        environment, overrides = self._replay_journal(stored.id, moment(wanted.until))
        members = environment.model.tasks
        out = {members.tasks[task].path: why for task, why in members.excluded.items()}
        then = replace(stored, plan=environment.model.plan, overrides=overrides)
        return environment_view.environment_view(then, environment) | {"excluded": out}

    def _replay_journal(self, id: EnvironmentId, until: float | None) -> tuple[Environment, Overrides]:
        lines = self._store.journal(id)
        if any(line.kind == CUT for line in lines):
            raise UnknownNameError(
                f"the journal of environment {id} was cut (o2:journal): it cannot be replayed. "
                "Its plans and the records of its runs are kept"
            )
        inputs = list(entries(line for line in lines if until is None or line.at <= until))
        environment = replay(id, inputs)
        if environment is None:
            raise UnknownNameError(f"the journal has no environment {id} at that time")
        return environment, overrides_after(inputs)

    async def _diff(self, wanted: Two, user: str, _progress: Progress) -> dict[str, Any]:
        self._store.flush()
        return await self._threads.run(user, self._difference, wanted)

    def _difference(self, wanted: Two) -> dict[str, Any]:
        return difference(self._plan_of(wanted.left), self._plan_of(wanted.right))

    def _plan_of(self, name: str) -> Plan:
        """Return the plan of an environment, or the plan with which a run began."""
        if not (name.isascii() and name.isdigit()):
            return self._store.find_by_prefix(name).plan
        run = self._runs.run(int(name)) if len(name) <= _MOST_DIGITS else None
        if run is None:
            raise UnknownNameError(f"there is no run {name[:80]}")
        return self._plan_at(run.environment, run.started)

    def _plan_at(self, id: EnvironmentId, until: float) -> Plan:
        """Return the plan of an environment at a time, even if its journal was cut since."""
        plans = [each for kind in PLANS for each in self._store.journal(id, until, kind=kind)]
        if not plans:
            raise UnknownNameError(f"the journal has no environment {id} at that time")
        last = max(plans, key=lambda line: line.id)
        return next(entry.plan for entry in entries([last]) if isinstance(entry, Created | Modified))


def entries(lines: Iterable[JournalEntry]) -> Iterable[Entry]:
    """Return the entries of a journal that can be replayed, decoded."""
    for line in lines:
        kind = KINDS.get(line.kind)
        if line.direction == "in" and kind is not None:
            yield typed(msgspec.json.decode(line.body), kind)
