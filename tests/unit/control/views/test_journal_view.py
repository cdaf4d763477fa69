"""A journal as a history: every line in words, with its cause."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from salt_o2.control.storage.journal import JournalEntry
from salt_o2.control.views.journal_view import WAYS, format_journal
from salt_o2.core.codec import plain
from salt_o2.core.messages.announcements import (
    AnnounceFailure,
    AnnounceKilled,
    AnnounceMoves,
    AnnounceRecovery,
    AnnounceState,
)
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.effects import Effect, EndRun, OpenRun, ReleaseResources, SendCommand
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    Modified,
    RecoverTask,
    Requested,
    RescheduleFailed,
    TasksMoved,
    Tick,
)
from salt_o2.core.messages.reports import Exit, Failure, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery.replay import KINDS, Created, Restarted
from salt_o2.core.states import ControlMode, EnvironmentEvent, EnvironmentState, TaskState, TaskStatus
from salt_o2.presentation import history


def plan(*names):
    tasks = tuple(
        PlannedTask(
            id=f"id-{name}",
            path=f"root.{name}",
            class_name="k",
            host="flp1",
            critical=True,
            launch=Launch(mode=ControlMode.FAIRMQ, value="x"),
            properties={},
        )
        for name in names
    )
    return Plan(workflow="w", revision="r", root=PlannedRole(name="root", path="root"), tasks=tasks)


def lines(*values):
    return [
        JournalEntry(
            id=number,
            environment="E",
            at=float(getattr(value, "at", 0.0)),
            direction="in" if hasattr(value, "at") else "out",
            kind=type(value).__name__,
            body=json.dumps(plain(value)),
        )
        for number, value in enumerate(values)
    ]


CREATED = Created(at=1.0, plan=plan("a", "b"), timeouts=Timeouts(), user="teo")
START = Requested(at=2.0, request="q", events=(EnvironmentEvent.START_ACTIVITY,), user="teo")
ORDER = SendCommand(
    command=Command(
        host="flp1", environment="E", revision=3, goal=TaskState.RUNNING, orders=(Order(task="id-a"),)
    )
)
REPORT = TasksMoved(
    at=3.0,
    host="flp1",
    reports=(
        TaskReport(
            task="id-a",
            environment="E",
            revision=3,
            settled=True,
            status=TaskStatus.ACTIVE,
            state=TaskState.RUNNING,
        ),
    ),
)

MOVES = AnnounceMoves(environment="E", host="flp1", moves={"id-a": TaskState.RUNNING})
RUNNING = AnnounceState(environment="E", state=EnvironmentState.RUNNING, run_number=7)


def journal_lines(*values):
    return [(line["text"], line["cause"]) for line in format_journal(lines(*values))]


def test_causes_lead_from_a_state_back_to_the_user():
    assert journal_lines(CREATED, START, ORDER, REPORT, MOVES, RUNNING) == [
        ("created from w: 2 tasks on flp1", "asked by teo"),
        ("START_ACTIVITY asked for", "asked by teo"),
        ("flp1 gets the order: root.a to RUNNING (revision 3)", "START_ACTIVITY asked by teo"),
        ("flp1 reports 1 task", "revision 3, START_ACTIVITY asked by teo"),
        ("root.a RUNNING", "report of flp1"),
        ("the environment is RUNNING, run 7", "report of flp1"),
    ]


def test_orders_that_follow_a_report_still_name_the_user():
    shown = journal_lines(CREATED, START, ORDER, REPORT, ORDER)
    assert shown[-1][1] == "START_ACTIVITY asked by teo, after report of flp1"


def test_a_modification_is_described_by_its_differences():
    change = Modified(at=4.0, request="q", plan=plan("a", "c"), excluded={"id-a": "warm"}, user="teo")
    assert journal_lines(CREATED, change)[-1] == (
        "another plan: start root.c; exclude root.a (warm); stop root.b",
        "asked by teo",
    )


def test_automatic_actions_of_control_have_a_reason():
    stop = Requested(at=5.0, request="", events=(EnvironmentEvent.STOP_ACTIVITY,), reason="end of data")
    assert journal_lines(CREATED, stop)[-1] == ("STOP_ACTIVITY asked for", "by itself (end of data)")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Restarted(at=9.0), "control was restarted and restored the environment"),
        (Tick(at=9.0), "the time has come"),
        (CallEnded(at=9.0, call="root.c#1", error="no licence\nat all"), "call root.c#1 FAILED: no licence"),
        (CallEnded(at=9.0, call="root.c#1", result="x"), "call root.c#1 returned 'x'"),
        (HostLost(at=9.0, host="flp2", silent_s=15.2), "host flp2 is lost: silent for 15 s"),
        (RecoverTask(at=9.0, task="id-a"), "root.a is to be restarted"),
        (
            RescheduleFailed(at=9.0, tasks=("id-a", "id-b"), reason="no cpu"),
            "no other place for root.a, root.b: no cpu",
        ),
        (
            AnnounceKilled(environment="E", task="id-a", path="root.a", host="flp1"),
            "root.a on flp1 did not stop in time and was killed (SIGKILL)",
        ),
        (
            AnnounceRecovery(
                environment="E",
                task="id-a",
                path="root.a",
                host="flp1",
                restarts=2,
                seconds=0.5,
                reason="killed",
            ),
            "root.a on flp1 is back after 0.5 s, restarted 2 times; it had failed: killed",
        ),
        (OpenRun(run_number=7, started=1.0), "run 7 begins"),
        (EndRun(run_number=7), "run 7 is over"),
        (ReleaseResources(environment="E"), "hosts and ports are released"),
        (
            AnnounceFailure(
                environment="E",
                task="id-a",
                path="root.a",
                host="flp1",
                state=TaskState.ERROR,
                critical=True,
                recovery="fail",
                failure=Failure(asked="launch", state="-", reason="exit code 3"),
            ),
            "root.a on flp1 FAILED: exit code 3",
        ),
    ],
    ids=[
        "restart",
        "tick",
        "failed call",
        "call",
        "lost",
        "recover",
        "nowhere",
        "killed",
        "back",
        "run begins",
        "run",
        "release",
        "failure",
    ],
)
def test_every_kind_of_line_has_a_text(value, text):
    assert journal_lines(CREATED, value)[-1][0] == text


def test_every_kind_of_input_and_effect_has_a_text():
    effects = {kind.__name__ for union in get_args(Effect) for kind in get_args(union) or (union,)}
    noted = {"HostForgotten", "HostCordoned", "HostUncordoned", "Cut"}
    assert effects | set(KINDS) | noted == set(WAYS)


@pytest.mark.parametrize(
    ("end", "shown"),
    [
        ({"exit": Exit(code=0), "output": ("a", "b", "c", "d")}, "exit code 0, its last output: b | c | d"),
        (
            {"exit": Exit(code=3), "failure": Failure(asked="run", state="-", reason="r", output=("oh",))},
            "exit code 3, its last output: oh",
        ),
        ({"exit": Exit(signal=9)}, "killed by signal 9"),
    ],
    ids=["a hook", "a failure", "silent"],
)
def test_exit_statuses_and_output_of_processes_are_shown(end, shown):
    report = replace(REPORT.reports[0], state=TaskState.DONE, **end)
    assert (
        journal_lines(CREATED, replace(REPORT, reports=(report,)))[-1][0]
        == f"flp1 reports 1 task; root.a: {shown}"
    )


def test_many_names_are_counted():
    shown = journal_lines(
        Created(at=1.0, plan=plan(*"abcdefg"), timeouts=Timeouts()), Modified(at=2.0, request="", plan=plan())
    )
    assert shown[-1][0] == "another plan: stop root.a, root.b, root.c, root.d and 3 more"


def test_a_history_has_its_days_as_headings_and_omits_intermediate_entries():
    text = history.history(format_journal(lines(CREATED, START, ORDER, REPORT, MOVES)))
    assert text.splitlines()[0].startswith("1970-01-01")
    assert "reports" not in text
    assert "reports" in history.history(format_journal(lines(CREATED, REPORT)), every=True)


FAILED_A = AnnounceFailure(
    environment="E",
    task="id-a",
    path="root.a",
    host="flp1",
    state=TaskState.ERROR,
    critical=True,
    recovery="restart",
    failure=Failure(asked="", state="-", reason="killed by SIGKILL", advice=""),
)
MOVED_A = AnnounceMoves(environment="E", host="flp1", moves={"id-a": TaskState.ERROR})


def texts(*values):
    return [(line["text"], line["cause"]) for line in format_journal(lines(*values))]


def test_the_failure_of_a_task_comes_before_the_state_that_it_leads_to():
    told = [text for text, _ in texts(CREATED, REPORT, MOVED_A, FAILED_A, replace(REPORT, at=4.0), MOVED_A)]
    assert told[2:4] == ["root.a on flp1 FAILED: killed by SIGKILL", "root.a ERROR"]
    assert told[5] == "root.a ERROR"


def test_the_cause_of_a_restart_is_the_failure_and_not_the_last_request():
    told = texts(CREATED, START, REPORT, FAILED_A, Tick(at=4.0), ORDER, replace(REPORT, at=5.0))
    assert told[5][1] == "restart after a failure: killed by SIGKILL"
    assert told[6][1] == "revision 3, restart after a failure: killed by SIGKILL"


def test_a_restart_that_a_user_requested_names_the_failure_and_the_request():
    recover = RecoverTask(at=4.0, task="id-a", user="ana")
    told = texts(CREATED, START, REPORT, FAILED_A, recover, ORDER)
    assert told[5][1] == "restart after a failure: killed by SIGKILL, root.a is to be restarted"


def test_an_order_after_the_recovery_of_a_task_has_the_request_as_its_cause():
    back = AnnounceRecovery(
        environment="E", task="id-a", path="root.a", host="flp1", restarts=1, seconds=1.0, reason="killed"
    )
    told = texts(CREATED, START, REPORT, FAILED_A, replace(REPORT, at=4.0), back, Tick(at=5.0), ORDER)
    assert told[7][1] == "START_ACTIVITY asked by teo, after the time has come"


def test_excluded_roles_are_named_with_the_reason():
    wanted = Modified(at=2.0, request="q", plan=plan("a", "b"), excluded={"id-b": "hv trip"}, user="teo")
    assert texts(CREATED, wanted)[1][0] == "another plan: exclude root.b (hv trip)"
