"""Format a journal for users: each event as a sentence with its cause.

The cause of a message is a request of a user, or the commands that a report answers; the cause of an effect
is the message before it. So every line names its cause, and a reader can trace causes back to a user or a
timer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import msgspec

from salt_o2.control.storage.journal import JournalEntry
from salt_o2.control.views.timestamps import iso
from salt_o2.core.codec import typed
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.messages.reports import Exit
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.plan_diff import TaskChange, diff_plans
from salt_o2.core.recovery.replay import Created

Body = dict[str, Any]
TICK = "the time has come"
WORDS = 3
"""Lines of a process's last output that are shown; the journal has more."""
SHOWN = 4
"""Names that are listed at most; more are only counted."""
ORDER = (TaskChange.START, TaskChange.RESTART, TaskChange.RECONFIGURE, TaskChange.INCLUDE)


@dataclass(frozen=True, slots=True)
class _Format:
    """The text of one kind of line, and its name as the cause of other lines."""

    text: Callable[["JournalFormatter", Body], str]
    cause: Callable[["JournalFormatter", Body], str] | None = None


def format_journal(lines: Iterable[JournalEntry]) -> list[dict[str, Any]]:
    """Return ``lines`` of one environment's whole journal, oldest first, each with its text and cause."""
    narrator = JournalFormatter()
    return [narrator.line(line) for line in _causes_first(lines)]


def _causes_first(lines: Iterable[JournalEntry]) -> Iterator[JournalEntry]:
    """Yield ``lines`` with the failures of a step before the states that they lead to."""
    for is_effect, group in groupby(lines, key=lambda line: line.direction == "out"):
        step = list(group)
        yield from sorted(step, key=lambda line: line.kind != "AnnounceFailure") if is_effect else step


class JournalFormatter:
    """Reads a journal once, and stores what later lines need: names, plans, requesting users."""

    def __init__(self) -> None:
        """Begin without names and plans."""
        self._paths: dict[str, str] = {}
        self._plan: Plan | None = None
        self._out: dict[TaskId, str] = {}
        self._asked: dict[int, str] = {}
        self._failed: dict[str, str] = {}
        """Why tasks failed that are not back yet."""
        self._restarts = False
        """Whether orders now are restarts: a tick or a request to recover a task came before."""
        self._request = ""
        self._because = ""

    def line(self, line: JournalEntry) -> dict[str, Any]:
        """Return one line in its wire format."""
        body = msgspec.json.decode(line.body)
        way = WAYS.get(line.kind)
        text = way.text(self, body) if way else line.kind
        cause = self._because
        if line.kind == "SendCommand":
            cause = self._cause_of_order(body["command"])
        if line.direction == "in":
            cause = way.cause(self, body) if way and way.cause else ""
            self._because = self._named(line.kind, body) or text
            self._restarts = line.kind in ("Tick", "RecoverTask")
        return {
            "at": iso(line.at),
            "direction": line.direction,
            "kind": line.kind,
            "text": text,
            "cause": cause,
            "what": body,
        }

    def _cause_of_order(self, command: Body) -> str:
        """Return why a command was sent: tasks failed, or a user requested a transition."""
        reasons = {self._failed.get(order["task"]) for order in command["orders"]}
        if self._restarts and None not in reasons:
            asked = f", {self._because}" if self._because not in ("", TICK) else ""
            why = f"restart after a failure: {_some(sorted(filter(None, reasons)))}{asked}"
            self._asked[command["revision"]] = why
            return why
        if self._request in self._because:
            return self._because
        return f"{self._request}, after {self._because}"

    def _named(self, kind: str, body: Body) -> str:
        """Return the name of a message as the cause of effects, if it is not its whole text."""
        if kind == "TasksMoved":
            return f"report of {body['host']}"
        if kind == "CallEnded":
            return f"end of call {body['call']}"
        return self._request if kind in ("Requested", "Modified") else ""

    # --- messages -------------------------------------------------------------------------------

    def created(self, body: Body) -> str:
        """Format the creation of the environment."""
        created = typed(body, Created)
        self._install_plan(created.plan, created.excluded)
        hosts = _some(sorted({task.host for task in created.plan.tasks}))
        reused = f", {len(created.claimed)} of them from the pool" if created.claimed else ""
        return f"created from {created.plan.workflow}: {_tasks(len(created.plan.tasks))} on {hosts}{reused}"

    def requested(self, body: Body) -> str:
        """Format a request."""
        events = ", ".join(body["events"])
        self._request = f"{events} {_by(body)}"
        return f"{events} asked for"

    def modified(self, body: Body) -> str:
        """Format a modification: how the new plan differs."""
        wanted = typed(body, Modified)
        old, out = self._plan, self._out
        self._install_plan(wanted.plan, wanted.excluded)
        self._request = f"MODIFY {_by(body)}"
        if old is None:
            return "another plan"
        changes = diff_plans(old, wanted.plan, out, wanted.excluded)
        named = {
            change: [task for task, each in changes.joining.items() if each is change] for change in ORDER
        }
        differences = [f"{change} {self._names(tasks)}" for change, tasks in named.items() if tasks]
        differences += self._exclusions(changes.excluded, wanted.excluded)
        differences += [f"{TaskChange.STOP} {self._names(changes.leaving)}"] if changes.leaving else []
        differences += [f"of these from the pool {self._names(wanted.claimed)}"] if wanted.claimed else []
        return f"another plan: {'; '.join(differences) or 'nothing changes'}"

    def _exclusions(self, tasks: Iterable[TaskId], reasons: Mapping[TaskId, str]) -> list[str]:
        """Return the excluded tasks by reason."""
        by_reason: dict[str, list[TaskId]] = {}
        for task in tasks:
            by_reason.setdefault(reasons.get(task, ""), []).append(task)
        return [
            f"{TaskChange.EXCLUDE} {self._names(found)}" + (f" ({_first_line(why)})" if why else "")
            for why, found in by_reason.items()
        ]

    def moved(self, body: Body) -> str:
        """Format a report: the number of tasks, how tasks have ended, and the output of hooks."""
        ends = [self._end(report) for report in body["reports"] if report.get("exit")]
        return "; ".join([f"{body['host']} reports {_tasks(len(body['reports']))}", *ends[:SHOWN]])

    def _end(self, report: Body) -> str:
        failure = report.get("failure") or {}
        written = report.get("output") or failure.get("output") or ()
        output_text = f", its last output: {' | '.join(written[-WORDS:])}" if written else ""
        return f"{self._names([report['task']])}: {typed(report['exit'], Exit)}{output_text}"

    def orders(self, body: Body) -> str:
        """Name the commands that a report answers."""
        revision = max((each["revision"] for each in body["reports"]), default=-1)
        asked = self._asked.get(revision)
        return f"revision {revision}, {asked}" if asked else ""

    def call_ended(self, body: Body) -> str:
        """Format the result of a call."""
        return f"call {body['call']} {_ended(body)}"

    def recover(self, body: Body) -> str:
        """Format the request to restart a task."""
        return f"{self._names([body['task']])} is to be restarted"

    def not_replaced(self, body: Body) -> str:
        """Format the tasks that fit on no other host."""
        return f"no other place for {self._names(body['tasks'])}: {_first_line(body['reason'])}"

    # --- effects --------------------------------------------------------------------------------

    def drive(self, body: Body) -> str:
        """Format the commands to one host."""
        command = body["command"]
        self._asked[command["revision"]] = self._request
        names = self._names(order["task"] for order in command["orders"])
        return (
            f"{command['host']} gets the order: {names} to {command['goal']} (revision {command['revision']})"
        )

    def insist(self, body: Body) -> str:
        """Format that a command is resent to a host that has not answered."""
        command = body["command"]
        return f"{command['host']} has not acknowledged revision {command['revision']}: a Salt job is sent"

    def state(self, body: Body) -> str:
        """Format the new state of the environment."""
        run = f", run {body['run_number']}" if body.get("run_number") else ""
        reason = f": {_first_line(body['reason'])}" if body.get("reason") else ""
        return f"the environment is {body['state']}{run}{reason}"

    def moves(self, body: Body) -> str:
        """Format the new states of tasks."""
        by_state: dict[str, list[str]] = {}
        for task, state in body["moves"].items():
            by_state.setdefault(state, []).append(task)
        return "; ".join(f"{self._names(tasks)} {state}" for state, tasks in by_state.items())

    def failure(self, body: Body) -> str:
        """Format the failure of a task."""
        self._failed[body["task"]] = _first_line(body["failure"]["reason"])
        return f"{body['path']} on {body['host']} FAILED: {_first_line(body['failure']['reason'])}"

    def replace(self, body: Body) -> str:
        """Format the tasks that need another host, or other ports."""
        what = "other ports are" if body.get("ports") else "another place is"
        return f"{what} looked for: {self._names(body['tasks'])}"

    def recovered(self, body: Body) -> str:
        """Format that a task has recovered."""
        self._failed.pop(body["task"], None)
        return (
            f"{body['path']} on {body['host']} is back after {body['seconds']:g} s, "
            f"restarted {body['restarts']} times; it had failed: {_first_line(body['reason'])}"
        )

    def answer(self, body: Body) -> str:
        """Format the answer to a request."""
        return f"answered: {_first_line(body['error']) if body.get('error') else 'done'}"

    def transferred(self, body: Body) -> str:
        """Format a transfer to the pool."""
        return f"moved to the pool: {self._names(body['tasks'])}"

    def invoke(self, body: Body) -> str:
        """Format a call."""
        planned = body["planned"]
        return f"call {body['call']}: {planned['func']}"

    def _install_plan(self, plan: Plan, out: dict[TaskId, str]) -> None:
        self._plan, self._out = plan, out
        self._paths |= {task.id: task.path for task in plan.tasks}

    def _names(self, tasks: Iterable[str]) -> str:
        return _some([self._paths.get(task, task) for task in tasks])


def _by(body: Body) -> str:
    user, reason = body.get("user"), body.get("reason")
    origin = f"asked by {user}" if user else "by itself"
    return f"{origin} ({reason})" if reason else origin


def _cordoned(_: object, body: Body) -> str:
    if not body.get("drain"):
        return f"host {body['host']} is cordoned: no new task is placed there"
    runs = ", after their runs" if body.get("after_runs") else ""
    return f"host {body['host']} is drained: its tasks are moved to other hosts{runs}"


def _ended(body: Body) -> str:
    return f"FAILED: {_first_line(body['error'])}" if body.get("error") else f"returned {body['result']!r}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _tasks_in(body: Body) -> list[str]:
    return [each["task"] for each in body["tasks"]]


WAYS: dict[str, _Format] = {
    "Created": _Format(JournalFormatter.created, lambda _, body: _by(body)),
    "Restarted": _Format(lambda *_: "control was restarted and restored the environment"),
    "Requested": _Format(JournalFormatter.requested, lambda _, body: _by(body)),
    "Modified": _Format(JournalFormatter.modified, lambda _, body: _by(body)),
    "TasksMoved": _Format(JournalFormatter.moved, JournalFormatter.orders),
    "CallEnded": _Format(JournalFormatter.call_ended),
    "HostLost": _Format(lambda _, body: f"host {body['host']} is lost: silent for {body['silent_s']:.0f} s"),
    "SecondAgent": _Format(lambda _, body: body["reason"]),
    "HostSilent": _Format(lambda _, body: f"host {body['host']} is silent: {body['reason']}"),
    "HostForgotten": _Format(lambda _, body: f"host {body['host']} is forgotten", lambda _, body: _by(body)),
    "HostCordoned": _Format(_cordoned, lambda _, body: _by(body)),
    "HostUncordoned": _Format(
        lambda _, body: f"host {body['host']} accepts new tasks again", lambda _, body: _by(body)
    ),
    "Cut": _Format(
        lambda _, body: (
            f"{body['rows']} lines of this journal were deleted: it was older, or longer, than "
            "o2:journal keeps"
        )
    ),
    "HostRenamed": _Format(
        lambda _, body: f"the machine of {body['old']} reports as {body['new']}: its tasks are known there"
    ),
    "RecoverTask": _Format(JournalFormatter.recover, lambda _, body: _by(body)),
    "RescheduleFailed": _Format(JournalFormatter.not_replaced),
    "Tick": _Format(lambda *_: TICK),
    "SendCommand": _Format(JournalFormatter.drive),
    "ResendAsJob": _Format(JournalFormatter.insist),
    "CallIntegration": _Format(JournalFormatter.invoke),
    "CancelCall": _Format(lambda _, body: f"call {body['call']} is given up"),
    "AnnounceState": _Format(JournalFormatter.state),
    "AnnounceMoves": _Format(JournalFormatter.moves),
    "AnnounceFailure": _Format(JournalFormatter.failure),
    "AnnounceKilled": _Format(
        lambda _, body: f"{body['path']} on {body['host']} did not stop in time and was killed (SIGKILL)"
    ),
    "AnnounceRecovery": _Format(JournalFormatter.recovered),
    "AnnounceHost": _Format(lambda _, body: f"host {body['host']} is {body['status']}: {body['reason']}"),
    "Reschedule": _Format(JournalFormatter.replace),
    "CompleteRequest": _Format(JournalFormatter.answer),
    "OpenRun": _Format(lambda _, body: f"run {body['run_number']} begins"),
    "EndRun": _Format(lambda _, body: f"run {body['run_number']} is over"),
    "BeginInterruptions": _Format(
        lambda told, body: f"run {body['run_number']} continues without {told._names(_tasks_in(body))}"
    ),
    "EndInterruptions": _Format(
        lambda told, body: f"run {body['run_number']} is complete again by {told._names(_tasks_in(body))}"
    ),
    "TransferToPool": _Format(JournalFormatter.transferred),
    "AnnouncePoolExit": _Format(
        lambda _, body: f"{body['class_name']} on {body['host']} departs: {_first_line(body['reason'])}"
    ),
    "ClaimFromPool": _Format(lambda told, body: f"claimed from the pool: {told._names(body['tasks'])}"),
    "AllocateTaskResources": _Format(
        lambda told, body: f"hosts, ports and memory are allocated: {told._names(body['tasks'])}"
    ),
    "ReleaseTaskResources": _Format(
        lambda told, body: f"hosts, ports and memory are released: {told._names(body['tasks'])}"
    ),
    "ReleaseResources": _Format(lambda *_: "hosts and ports are released"),
}
