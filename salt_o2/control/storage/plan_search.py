"""Find tasks that no active environment has: replaced ones, and those of ended environments.

An environment whose creation was undone has ended too.

The journal has every plan of an environment, and it keeps them when it is cut. Only the newest environments
are searched.
"""

from dataclasses import dataclass

import msgspec
from sqlalchemy import or_, select

from salt_o2.control.storage.journal import JournalEntry
from salt_o2.control.storage.retention import PLANS
from salt_o2.control.storage.schema import ENVIRONMENTS, JOURNAL
from salt_o2.control.storage.store import Store
from salt_o2.core.codec import typed
from salt_o2.core.errors import UnknownNameError
from salt_o2.core.ids import EnvironmentId, some
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import Plan, PlannedTask

SEARCHED = 50
"""Environments that are searched, the newest first."""
MOST_PLANS = 20
"""Plans that are decoded at most."""
LONGEST_NAME = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedTask:
    """A task that no active environment has, with its last report, if the journal still has it."""

    environment: EnvironmentId
    workflow: str
    planned: PlannedTask
    report: TaskReport | None
    ended: float | None
    """When the environment ended, in seconds since the epoch; ``None`` if it is active without the task."""


class EndedTasks:
    """Searches the journal in ``store``. For any thread but the one of an event loop."""

    def __init__(self, store: Store) -> None:
        """Search ``store``."""
        self._store = store

    def find(self, wanted: str, environment: str = "") -> EndedTask:
        """Return the task whose ID is or begins with ``wanted``, or the last one of the role ``wanted``.

        Raises:
            UnknownNameError: if there is no such task, or if more than one ID begins with ``wanted``.
        """
        found = self._planned(wanted, environment) if 0 < len(wanted) <= LONGEST_NAME else {}
        by_id = {id: each for id, each in found.items() if id.startswith(wanted)}
        exact = by_id.get(wanted)
        if exact is None and len(by_id) > 1:
            raise UnknownNameError(
                f"more than one ended task has an ID that begins with {wanted!r}: {some(by_id)}. "
                "Nothing was done: give more characters of the ID"
            )
        chosen = exact or next(iter((by_id or found).values()), None)
        if chosen is None:
            raise UnknownNameError(
                f"no task {wanted!r} is known: no active environment has it, nor one of the last {SEARCHED}. "
                "`coconut task list` shows the active tasks (`salt-run o2.task_list`)"
            )
        of, plan, planned = chosen
        ended = self._store.read(select(ENVIRONMENTS.c.ended).where(ENVIRONMENTS.c.id == of))
        return EndedTask(
            environment=of,
            workflow=plan.workflow,
            planned=planned,
            report=self._last_report(of, planned),
            ended=ended[0][0] if ended else None,
        )

    def _planned(self, wanted: str, environment: str) -> dict[str, tuple[EnvironmentId, Plan, PlannedTask]]:
        """Return the tasks that fit, by their IDs, those of the newest plan first."""
        among = select(ENVIRONMENTS.c.id).order_by(ENVIRONMENTS.c.created.desc()).limit(SEARCHED)
        if environment:
            among = select(ENVIRONMENTS.c.id).where(
                ENVIRONMENTS.c.id.startswith(environment, autoescape=True)
            )
        fits = or_(
            JOURNAL.c.body.contains(f'"id":"{wanted}', autoescape=True),
            JOURNAL.c.body.contains(f'"path":"{wanted}","class_name":', autoescape=True),
        )
        query = select(JOURNAL).where(JOURNAL.c.kind.in_(PLANS), JOURNAL.c.environment.in_(among), fits)
        rows = self._store.rows(query.order_by(JOURNAL.c.id.desc()).limit(MOST_PLANS), JournalEntry)
        found: dict[str, tuple[EnvironmentId, Plan, PlannedTask]] = {}
        for row in rows:
            plan = _plan(row)
            for task in plan.tasks:
                if task.id.startswith(wanted) or task.path == wanted:
                    found.setdefault(task.id, (row.environment, plan, task))
        return found

    def _last_report(self, environment: EnvironmentId, task: PlannedTask) -> TaskReport | None:
        query = select(JOURNAL).where(
            JOURNAL.c.environment == environment,
            JOURNAL.c.kind == TasksMoved.__name__,
            JOURNAL.c.body.contains(f'"task":"{task.id}"', autoescape=True),
        )
        rows = self._store.rows(query.order_by(JOURNAL.c.id.desc()).limit(1), JournalEntry)
        reports = (
            report
            for row in rows
            for report in typed(msgspec.json.decode(row.body), TasksMoved).reports
            if report.task == task.id
        )
        return next(reports, None)


class _WithPlan(msgspec.Struct):
    """The part of ``Created`` and ``Modified`` that is needed."""

    plan: Plan


def _plan(row: JournalEntry) -> Plan:
    return msgspec.json.decode(row.body, type=_WithPlan).plan
