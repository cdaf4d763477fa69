"""Invariants: each is violated by exactly what it forbids."""

from dataclasses import replace

import pytest

from salt_o2.cluster.faults.invariants import (
    INVARIANTS,
    Case,
    Observation,
    ObservedEnvironment,
    ObservedHost,
    ObservedTask,
    ObservedUnrelatedProcess,
    broken,
    losses,
    may_lose_data,
)
from salt_o2.cluster.faults.schedule import Action, Fault, Kind, Part

SAMPLER = ObservedTask(path="d.sampler", host="flp1", pid=11, started="t1", state="RUNNING")
SINK = ObservedTask(path="d.sink", host="flp2", pid=12, started="t2", state="RUNNING")
MONITOR = ObservedTask(path="monitor", host="flp2", pid=13, started="t3", state="RUNNING", plain=True)
FLP1 = ObservedHost(status="ACTIVE", address="10.0.0.1", heard_s=0.5)


def environment(*tasks, id="E1", **details):
    known = {"state": "RUNNING", "run_number": 7, "missing": {"d.sink": 0}, **details}
    return ObservedEnvironment(id=id, tasks={task.path: task for task in tasks}, **known)


BEFORE = environment(SAMPLER, SINK)


def seen(*environments, **details):
    return Observation(environments={each.id: each for each in environments}, **details)


def kill(path):
    return Fault(0.0, Action.KILL, Part(Kind.TASK, path))


def judge(after, *faults, before=BEFORE, elapsed_s=1.0, **details):
    return broken(seen(before), faults, seen(after, **details), "E1", elapsed_s)


def test_an_unchanged_cluster_violates_no_invariant():
    assert judge(BEFORE) == []


def test_a_killed_task_that_returns_as_another_process_violates_no_invariant():
    again = replace(SINK, pid=99, started="t9")
    assert judge(environment(SAMPLER, again), kill("d.sink")) == []


@pytest.mark.parametrize(
    ("after", "violation"),
    [
        (environment(SAMPLER, SINK, state="ERROR"), "was RUNNING and is ERROR"),
        (environment(SAMPLER, SINK, run_number=8), "was 7 and is 8"),
        (environment(SAMPLER, SINK, run_number=None), "was 7 and is None"),
        (environment(SAMPLER, SINK, busy=True), "is still in a transition"),
        (environment(SAMPLER), "task d.sink is not known any more"),
        (environment(SAMPLER, replace(SINK, state="UNKNOWN")), "was RUNNING and is UNKNOWN"),
        (environment(SAMPLER, replace(SINK, takes_part=False)), "task d.sink was RUNNING"),
        (environment(SAMPLER, replace(SINK, alive=False)), "process 12, which does not run"),
        (environment(SAMPLER, replace(SINK, pid=99)), "was not killed, and process 12 became 99"),
        (environment(SAMPLER, replace(SINK, started="t9")), "was not killed"),
        (environment(SAMPLER, replace(SINK, host="flp3")), "went from flp2 to flp3"),
        (environment(SAMPLER, SINK, missing={"d.sink": 3}), "3 messages did not reach d.sink"),
    ],
    ids=[
        "environment-in-error",
        "another-run",
        "no-run",
        "busy",
        "task-forgotten",
        "task-elsewhere",
        "task-lost",
        "dead",
        "replaced",
        "restarted",
        "moved",
        "messages-lost",
    ],
)
def test_an_invariant_is_violated(after, violation):
    found = judge(after)
    assert len(found) == 1
    assert violation in found[0]


def test_an_excluded_task_is_shown_with_the_reason():
    out = replace(SINK, state="DONE", takes_part=False, why="port 9000 is in use")
    assert judge(environment(SAMPLER, out)) == ["task d.sink was RUNNING and is DONE: port 9000 is in use"]


def test_a_killed_task_that_is_still_shown_violates_an_invariant():
    assert judge(BEFORE, kill("d.sink")) == ["task d.sink was killed and is still shown as process 12"]


def test_messages_may_be_lost_when_a_task_is_killed():
    again = environment(SAMPLER, replace(SINK, pid=99), missing={"d.sink": 5})
    assert judge(again, kill("d.sink")) == []


def test_tasks_without_a_fault_may_not_change():
    bystander = environment(replace(SINK, path="b.sink"), id="E2", run_number=8, missing={"b.sink": 0})
    hurt = replace(bystander, missing={"b.sink": 1})
    after = seen(environment(SAMPLER, replace(SINK, pid=99)), hurt)
    found = broken(seen(BEFORE, bystander), (kill("d.sink"),), after, "E1")
    assert found == ["1 messages did not reach b.sink of E2"]


def isolate(host):
    return Fault(0.0, Action.ISOLATE, Part(Kind.LINK, host), 30.0)


def test_tasks_of_an_isolated_host_may_be_others_and_elsewhere_and_their_data_lost():
    moved = replace(SINK, host="flp1", pid=99, started="t9")
    assert judge(environment(SAMPLER, moved, missing={"d.sink": 9}), isolate("flp2")) == []
    assert judge(BEFORE, isolate("flp2")) == []


@pytest.mark.parametrize(
    ("after", "violation"),
    [
        (environment(replace(SAMPLER, pid=99), SINK), "task d.sampler was not killed"),
        (environment(SAMPLER, replace(SINK, takes_part=False)), "task d.sink was RUNNING"),
        (environment(SAMPLER, replace(SINK, alive=False)), "process 12, which does not run"),
        (environment(SAMPLER, SINK, run_number=8), "was 7 and is 8"),
    ],
    ids=["another-task", "forgone", "dead", "another-run"],
)
def test_an_isolated_host_does_not_excuse_a_violation(after, violation):
    found = judge(after, isolate("flp2"))
    assert len(found) == 1
    assert violation in found[0]


def test_a_cut_that_heals_in_time_excuses_no_violation():
    cut = Fault(0.0, Action.CUT, Part(Kind.LINK, "flp2"), 3.0)
    assert judge(environment(SAMPLER, replace(SINK, pid=99)), cut) == [
        "task d.sink was not killed, and process 12 became 99"
    ]


def test_messages_missing_before_the_round_are_no_violation():
    lossy = environment(SAMPLER, SINK, missing={"d.sink": 4})
    assert judge(lossy, before=lossy) == []


@pytest.mark.parametrize(
    ("fault", "may"),
    [
        (kill("d.sink"), True),
        (isolate("flp2"), True),
        (Fault(0.0, Action.KILL, Part(Kind.AGENT, "flp2")), False),
        (Fault(0.0, Action.CUT, Part(Kind.LINK, "flp2"), 3.0), False),
    ],
    ids=str,
)
def test_data_is_lost_only_where_a_task_becomes_another(fault, may):
    assert may_lose_data([fault]) is may


def test_losses_are_known_by_environment_and_sink():
    assert losses(seen(environment(SINK, missing={"d.sink": 4}))) == {"E1": {"d.sink": 4}}


def test_an_environment_that_is_forgotten_is_noticed():
    assert broken(seen(BEFORE), (), seen(), "E1") == ["environment E1 is not known any more"]


def test_orphans_are_named():
    assert judge(BEFORE, orphaned_pids=[5, 4]) == [
        "process 4 belongs to no task",
        "process 5 belongs to no task",
    ]


def test_a_report_before_the_end_of_the_faults_is_not_fresh():
    hosts = {"flp1": FLP1, "flp2": replace(FLP1, heard_s=3.0)}
    assert judge(BEFORE, hosts=hosts) == ["host flp2 has not reported since"]


def test_a_run_number_is_given_once():
    twin = environment(id="E2")
    assert judge_both(twin) == ["run number 7 was given twice"]


def judge_both(other):
    return broken(seen(BEFORE, other), (), seen(BEFORE, other), "E1")


def test_an_excluded_task_may_be_anything():
    out = replace(SINK, takes_part=False, state="CONFIGURED")
    later = replace(out, pid=99, state="STANDBY")
    assert judge(environment(SAMPLER, later), before=environment(SAMPLER, out)) == []


ENDS = [
    (Action.KILL, Kind.TASK),
    (Action.REUSE_PID, Kind.TASK),
    (Action.STEAL_PORTS, Kind.TASK),
    (Action.KILL, Kind.PROGRAM),
    (Action.FAIL, Kind.PROGRAM),
    (Action.REUSE_PID, Kind.PROGRAM),
]


@pytest.mark.parametrize(("action", "kind"), ENDS, ids=lambda value: value.value)
def test_a_fault_that_ends_a_task_requires_another_process(action, kind):
    fault = Fault(0.0, action, Part(kind, "d.sink"))
    assert judge(environment(SAMPLER, replace(SINK, pid=99)), fault) == []
    assert judge(BEFORE, fault) == ["task d.sink was killed and is still shown as process 12"]


@pytest.mark.parametrize("action", [Action.TRUNCATE, Action.GARBLE, Action.REMOVE])
def test_a_task_whose_record_was_damaged_is_adopted_or_replaced(action):
    damage = Fault(0.0, action, Part(Kind.RECORD, "d.sink"))
    assert judge(BEFORE, damage) == []
    assert judge(environment(SAMPLER, replace(SINK, pid=99)), damage) == []
    assert judge(environment(replace(SAMPLER, pid=98), SINK), damage) == [
        "task d.sampler was not killed, and process 11 became 98"
    ]
    assert judge(environment(SAMPLER, replace(SINK, host="flp1", pid=99)), damage) == [
        "task d.sink went from flp2 to flp1"
    ]


def reboot(host):
    return Fault(0.0, Action.REBOOT, Part(Kind.HOST, host))


def test_tasks_of_a_host_that_was_rebooted_are_others_there_or_elsewhere():
    again = replace(SINK, pid=99)
    assert judge(environment(SAMPLER, again), reboot("flp2")) == []
    assert judge(environment(SAMPLER, replace(again, host="flp1")), reboot("flp2")) == []
    assert judge(BEFORE, reboot("flp2")) == ["task d.sink was killed and is still shown as process 12"]
    assert judge(environment(replace(SAMPLER, pid=98), again), reboot("flp2")) == [
        "task d.sampler was not killed, and process 11 became 98"
    ]


@pytest.mark.parametrize("action", [Action.CLONE, Action.REFUSE_KEY, Action.STEAL_PORTS])
def test_a_clone_a_slow_sign_in_and_a_thief_of_free_ports_replace_no_task(action):
    fault = Fault(0.0, action, Part(Kind.HOST, "flp2"), 12.0)
    assert judge(BEFORE, fault) == []
    assert judge(environment(SAMPLER, replace(SINK, pid=99)), fault) == [
        "task d.sink was not killed, and process 12 became 99"
    ]
    assert judge(environment(SAMPLER, SINK, state="CONFIGURED", run_number=None), fault) == [
        "environment E1 was RUNNING and is CONFIGURED",
        "the run of E1 was 7 and is None",
    ]


def test_the_end_of_a_plain_program_is_no_reason_to_lose_a_message():
    before = environment(SAMPLER, SINK, MONITOR)
    fault = Fault(0.0, Action.FAIL, Part(Kind.PROGRAM, "monitor"))
    after = environment(SAMPLER, SINK, replace(MONITOR, pid=99), missing={"d.sink": 2})
    assert judge(after, fault, before=before) == ["2 messages did not reach d.sink of E1"]


@pytest.mark.parametrize(
    ("after", "violation"),
    [
        ({}, "host flp1 is not known any more"),
        ({"flp1": replace(FLP1, status="SILENT")}, "host flp1 is SILENT"),
        ({"flp1": replace(FLP1, address="10.0.0.9")}, "host flp1 was at 10.0.0.1 and is at 10.0.0.9"),
    ],
    ids=["forgotten", "silent", "a-clone"],
)
def test_a_host_is_active_at_its_address(after, violation):
    assert broken(seen(BEFORE, hosts={"flp1": FLP1}), (), seen(BEFORE, hosts=after), "E1") == [violation]


def test_a_stranger_that_was_ended_was_harmed():
    shell = ObservedUnrelatedProcess(name="a login shell", pid=50, alive=True)
    assert judge(BEFORE, strangers=[shell]) == []
    assert judge(BEFORE, strangers=[replace(shell, alive=False)]) == [
        "process 50 was harmed, which is unrelated: a login shell"
    ]


def test_a_stranger_is_not_taken_for_a_task():
    shell = ObservedUnrelatedProcess(name="a login shell", pid=12, alive=True)
    assert judge(BEFORE, strangers=[shell]) == ["task d.sink is shown as process 12, which is unrelated"]


BROKEN = {
    "every environment is known": seen(),
    "every environment is in its former state": seen(environment(SAMPLER, SINK, state="ERROR")),
    "every run continues": seen(environment(SAMPLER, SINK, run_number=8)),
    "a run number is given once": seen(BEFORE, environment(id="E2")),
    "every task takes part, in its former state": seen(environment(SAMPLER)),
    "every process that control reports exists": seen(environment(SAMPLER, replace(SINK, alive=False))),
    "a task without a fault keeps its process": seen(environment(SAMPLER, replace(SINK, pid=99))),
    "a killed task has a new process": seen(BEFORE),
    "a task stays on its host while the host is connected": seen(
        environment(replace(SAMPLER, host="flp2"), SINK)
    ),
    "no message is lost where no task was killed": seen(environment(SAMPLER, SINK, missing={"d.sink": 1})),
    "no process is left without a task": seen(BEFORE, orphaned_pids=[5]),
    "every host has reported since": seen(BEFORE, hosts={"flp1": replace(FLP1, heard_s=9.0)}),
    "every host is active, at its address": seen(BEFORE),
    "every process that is not ours still runs": seen(
        BEFORE, strangers=[ObservedUnrelatedProcess(name="a login shell", pid=50, alive=False)]
    ),
    "no unrelated process is taken for a task": seen(
        BEFORE, strangers=[ObservedUnrelatedProcess(name="a login shell", pid=12, alive=True)]
    ),
}


def test_there_is_a_violating_observation_for_each_invariant():
    assert BROKEN.keys() == INVARIANTS.keys()


@pytest.mark.parametrize("violation", INVARIANTS)
def test_each_invariant_holds_without_change_and_is_violated_by_its_observation(violation):
    before = seen(BEFORE, hosts={"flp1": FLP1})
    faults = (kill("d.sampler"),) if violation == "a killed task has a new process" else ()
    for after, found in ((before, 0), (BROKEN[violation], 1)):
        hit = faults if after is not before else ()
        case = Case(before=before, faults=hit, after=after, drilled="E1", elapsed_s=1.0)
        assert len(list(INVARIANTS[violation](case))) == found
