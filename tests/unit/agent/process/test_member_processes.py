"""Which processes are a task's: by mark, by session of a shim whose number is not free, and by descent."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.agent.process import process_scan
from salt_o2.agent.process.process_scan import ProcessScan, ProcessTable, Shim
from salt_o2.linux.procfs import Entry

HOME = "/agent/tasks/one"
SHIM = Shim(pid=100, started=7)


def processes(*rows):
    """Entries of (pid, parent, session), all started at 7."""
    return {pid: Entry(pid, parent, pid, session, 7) for pid, parent, session in rows}


def pids(found):
    return sorted(each.pid for each in found)


def test_the_session_of_a_living_shim_counts_and_what_descends_from_it():
    look = ProcessTable(
        processes((100, 1, 100), (101, 100, 100), (102, 101, 102), (103, 102, 103), (200, 1, 200)), {}
    )
    assert pids(look.members(HOME, SHIM)) == [100, 101, 102, 103]


def test_a_session_whose_leader_is_another_process_does_not_count():
    entries = processes((100, 1, 100), (101, 100, 100))
    entries[100] = Entry(100, 1, 100, 100, 8)
    assert pids(ProcessTable(entries, {}).members(HOME, SHIM)) == []


def test_a_session_without_its_leader_counts_only_while_its_number_is_not_reused():
    look = ProcessTable(processes((101, 1, 100)), {})
    assert pids(look.members(HOME, SHIM)) == []
    assert pids(look.members(HOME, Shim(pid=100, started=7, is_zombie=True))) == [101]


def test_a_mark_counts_wherever_the_process_went_and_another_tasks_does_not():
    look = ProcessTable(processes((101, 1, 101), (102, 1, 102)), {101: HOME, 102: HOME + "-more"})
    assert pids(look.members(HOME)) == [101]
    assert look.homes("/agent/tasks") == {HOME, HOME + "-more"}
    assert look.homes("/agent/task") == set()


@pytest.mark.finding("X25")
def test_a_descendant_with_an_account_and_a_session_of_its_own_is_a_stranger():
    rows = (
        (100, 1, 100),
        (101, 100, 100),
        (102, 101, 102),
        (103, 102, 102),
        (104, 101, 100),
        (105, 101, 105),
    )
    look = ProcessTable(processes(*rows), {}, is_foreign=lambda pid: pid in (102, 103, 104))
    assert pids(look.members(HOME, SHIM)) == [100, 101, 104, 105]
    assert pids(look.strangers(HOME, SHIM)) == [102]


@pytest.mark.finding("X25")
def test_a_stranger_with_the_mark_of_an_account_of_tasks_is_no_stranger():
    look = ProcessTable(processes((101, 1, 101), (102, 101, 102)), {101: HOME, 102: HOME}, is_foreign=bool)
    assert (pids(look.members(HOME)), look.strangers(HOME)) == ([101, 102], [])


class FakeKernel:
    """Processes with uids; the agent is root."""

    def __init__(self, **uids):
        self.uids = {int(pid[1:]): set(found) for pid, found in uids.items()}

    def uids_of(self, pid):
        return self.uids.get(pid, set())


@pytest.mark.finding("X25")
@pytest.mark.parametrize(
    ("uids", "in_container", "foreign"),
    [
        ({7}, False, True),
        ({0}, False, True),
        ({1000}, False, False),
        ({0, 1000}, False, False),  # a program of root that an account of tasks has started, as sudo
        ({100000}, True, False),
        (set(), False, False),  # it has ended
    ],
)
def test_an_account_that_no_task_has_is_foreign(monkeypatch, uids, in_container, foreign):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(process_scan.procfs, "shares_user_namespace", lambda _pid: not in_container)
    scan = ProcessScan(lambda: {1000, 1001}, FakeKernel(p5=uids))
    assert scan._is_foreign(5) is foreign
    assert not ProcessScan(None, FakeKernel(p5=uids))._is_foreign(5)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not scan._is_foreign(5), "an agent that is not root reports it as a failure"


@settings(max_examples=200)
@given(
    parents=st.lists(st.integers(0, 10), min_size=5, max_size=30),
    marked=st.sets(st.integers(1, 30)),
    is_zombie=st.booleans(),
)
def test_members_are_exactly_the_proved_ones_and_their_descendants(parents, marked, is_zombie):
    rows = [(1000 + n, 1000 + parent, 1000 + (n % 3)) for n, parent in enumerate(parents, 1)]
    marks = {1000 + n: HOME for n in marked if n <= len(parents)}
    look = ProcessTable(processes(*rows), marks)
    shim = Shim(pid=1001, started=7, is_zombie=is_zombie)
    found = set(pids(look.members(HOME, shim)))
    first = set(marks) | {pid for pid, _, session in rows if session == 1001}
    assert first <= found
    assert os.getpid() not in found
    for pid, parent, _ in rows:
        assert (pid in found) == (pid in first or parent in found)
