"""Reports changes on this host to control: in numbered batches, resent until control accepts them.

core/messages/report_schedule.py decides when to report. The reporter reads the content from the tasks at the
moment of sending. So a late report is not out of date, and no change is lost while control does not listen.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from salt_o2.concurrency.background_loops import is_cancel_requested
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.report_schedule import QUICK, QUICK_S, PendingReport, due_at
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.recovery.host_liveness import SILENT_AFTER

log = logging.getLogger(__name__)
Send = Callable[[Report], Awaitable[None]]
SEND_S = 10.0
FIRST_RETRY_S, LAST_RETRY_S = 0.1, 2.0


@dataclass(slots=True)
class UnreportedChanges:
    """Changes that no report has contained yet."""

    tasks: set[TaskId] = field(default_factory=set)
    absent: dict[TaskId, TaskReport] = field(default_factory=dict)
    """Answers about tasks that this agent no longer has."""
    commands: dict[EnvironmentId, int] = field(default_factory=dict)
    survey: bool = False
    commanded_at: float | None = None
    changed_at: float | None = None
    unbidden_at: float | None = None

    def merge(self, older: "UnreportedChanges") -> None:
        """Add the changes that could not be sent."""
        self.tasks |= older.tasks
        self.absent = {**older.absent, **self.absent}
        self.commands = {**older.commands, **self.commands}
        self.survey = self.survey or older.survey
        self.commanded_at = older.commanded_at or self.commanded_at
        self.changed_at = older.changed_at or self.changed_at
        self.unbidden_at = older.unbidden_at or self.unbidden_at


class Reporter:
    """Sends the reports of one agent, one report at a time."""

    def __init__(
        self,
        host: HostId,
        facts: HostFacts,
        send: Send,
        heartbeat_s: float,
        known: Callable[[], Iterable[TaskId]],
        look: Callable[[TaskId], TaskReport | None],
        delivered: Callable[[Iterable[TaskReport]], None],
    ) -> None:
        """Report for ``host`` by ``send``; ``known`` names all tasks, ``look`` returns one task's report."""
        self.host, self.facts, self.incarnation = host, facts, secrets.token_hex(8)
        self.sequence = 0
        self.last_run = 0
        self.directory_key = ""
        """See :class:`~salt_o2.core.messages.reports.HostFacts`."""
        """The highest run number that ever reached this host."""
        self._send, self._heartbeat_s = send, heartbeat_s
        self._known, self._look, self._delivered = known, look, delivered
        self._unreported, self._stir = UnreportedChanges(), asyncio.Event()
        self._pending: dict[EnvironmentId, set[TaskId]] = {}
        self._awaited: dict[EnvironmentId, int] = {}
        self._sent_at = self._not_before = 0.0
        self._sent: deque[float] = deque([-QUICK_S] * QUICK, maxlen=QUICK)
        self._retry_s = FIRST_RETRY_S
        self._taken_at: float | None = None
        """When control accepted the last report, by the loop's clock; initially the start of the reporter."""

    @property
    def trouble(self) -> str:
        """Return why control receives no report of this host; empty if it accepted one a short time ago."""
        silent_s = _now() - self._taken_at if self._taken_at is not None else 0.0
        if silent_s <= SILENT_AFTER * self._heartbeat_s:
            return ""
        return (
            f"no report was accepted for {silent_s:.0f} s: the master cannot be reached, or does not "
            "accept the minion's key. Running tasks are not affected, and the agent reports all later. Check "
            "`salt-key -L` on the master, and the minion's log"
        )

    def _facts(self) -> HostFacts:
        return replace(self.facts, last_run=self.last_run, directory_key=self.directory_key)

    def offer(self, facts: HostFacts) -> None:
        """Report new facts of the host."""
        self.facts = facts
        self.survey()

    def command(self, environment: EnvironmentId, revision: int) -> None:
        """Acknowledge a command soon, and report all of its tasks at once when they have settled."""
        revision = max(revision, self._awaited.get(environment, -1))
        self._awaited[environment] = self._unreported.commands[environment] = revision
        self._unreported.commanded_at = self._unreported.commanded_at or _now()
        self._stir.set()

    def began(self, environment: EnvironmentId, task: TaskId) -> None:
        """Note that a task works on an order: its progress must be reported."""
        self._pending.setdefault(environment, set()).add(task)

    def changed(self, environment: EnvironmentId, task: TaskId, settled: bool, failed: bool = False) -> None:
        """Note a change of a task; report it soon if no order requested it."""
        pending = self._pending.setdefault(environment, set())
        if settled and (failed or task not in pending):
            self._unreported.unbidden_at = self._unreported.unbidden_at or _now()
        (pending.discard if settled else pending.add)(task)
        if not pending:
            del self._pending[environment]
        self._unreported.tasks.add(task)
        self._unreported.changed_at = self._unreported.changed_at or _now()
        self._stir.set()

    def answer(self, about: TaskReport) -> None:
        """Report a task that this agent does not have."""
        self._unreported.absent[about.task] = about
        self._unreported.changed_at = self._unreported.changed_at or _now()
        self._stir.set()

    def survey(self) -> None:
        """Report all tasks at once: control listens now, so the reporter does not wait for a retry."""
        self._retry_s, self._not_before = FIRST_RETRY_S, 0.0
        self._unreported.survey = True
        self._stir.set()

    async def run(self) -> None:
        """Send reports until cancelled."""
        self._taken_at = _now()
        while True:
            self._stir.clear()
            when = max(self._due(), self._not_before)
            if when <= _now():
                await self._report()
                continue
            try:
                async with asyncio.timeout_at(when):
                    await self._stir.wait()
            except TimeoutError:
                continue

    def _due(self) -> float:
        unreported = self._unreported
        if unreported.survey:
            return _now()
        due = due_at(
            PendingReport(
                sent_at=self._sent_at,
                commanded_at=unreported.commanded_at,
                changed_at=unreported.changed_at,
                unsolicited_at=unreported.unbidden_at,
                quick_from=self._sent[0] + QUICK_S,
                driven=sum(map(len, self._pending.values())),
                completed=any(environment not in self._pending for environment in self._awaited),
            )
        )
        heartbeat = self._sent_at + self._heartbeat_s
        return heartbeat if due is None else min(due, heartbeat)

    async def _report(self) -> None:
        unreported, self._unreported = self._unreported, UnreportedChanges()
        done = [environment for environment in self._awaited if environment not in self._pending]
        report = self._write(unreported)
        self._sent_at = _now()
        self._sent.append(self._sent_at)
        try:
            async with asyncio.timeout(SEND_S):
                await self._send(report)
        # The bus may fail in any way; the reporter tries again.
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancel_requested():
                raise
            log.warning("%s: report %s was not taken (%r); trying again", self.host, report.sequence, error)
            self._unreported.merge(unreported)
            self._not_before = _now() + self._retry_s
            self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
            return
        self._retry_s, self._taken_at = FIRST_RETRY_S, _now()
        for environment in done:
            if self._awaited.get(environment) == report.accepted.get(environment):
                self._awaited.pop(environment, None)
        self._delivered(report.tasks)

    def _write(self, unreported: UnreportedChanges) -> Report:
        """Return the next report; a heartbeat or a bare acknowledgement repeats the last number.

        Such a report contains no task. With a number of its own it would look like the successor of a lost
        report.
        """
        names = set(self._known()) if unreported.survey else unreported.tasks
        found = (self._look(task) for task in sorted(names))
        tasks = [about for about in found if about is not None]
        reported_tasks = {about.task for about in tasks}
        tasks += [about for task, about in unreported.absent.items() if task not in reported_tasks]
        if unreported.survey or tasks:
            self.sequence += 1
        return Report(
            host=self.host,
            incarnation=self.incarnation,
            sequence=self.sequence,
            tasks=tuple(tasks),
            facts=self._facts() if unreported.survey else None,
            accepted=dict(self._awaited),
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
