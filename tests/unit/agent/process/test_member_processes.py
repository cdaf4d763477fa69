"""Which processes are a task's: by mark, by session of a shim whose number is not free, and by descent."""

import os

from hypothesis import given
from hypothesis import strategies as st

from salt_o2.agent.process.process_scan import ProcessTable, Shim
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


def test_a_session_without_its_leader_counts_only_while_the_number_is_kept():
    look = ProcessTable(processes((101, 1, 100)), {})
    assert pids(look.members(HOME, SHIM)) == []
    assert pids(look.members(HOME, Shim(pid=100, started=7, kept=True))) == [101]


def test_a_mark_counts_wherever_the_process_went_and_another_tasks_does_not():
    look = ProcessTable(processes((101, 1, 101), (102, 1, 102)), {101: HOME, 102: HOME + "-more"})
    assert pids(look.members(HOME)) == [101]
    assert look.homes("/agent/tasks") == {HOME, HOME + "-more"}
    assert look.homes("/agent/task") == set()


@given(
    parents=st.lists(st.integers(0, 30), min_size=1, max_size=30),
    marked=st.sets(st.integers(1, 30)),
    kept=st.booleans(),
)
def test_members_are_exactly_the_proved_ones_and_their_descendants(parents, marked, kept):
    rows = [(1000 + n, 1000 + parent, 1000 + (n % 3)) for n, parent in enumerate(parents, 1)]
    marks = {1000 + n: HOME for n in marked if n <= len(parents)}
    look = ProcessTable(processes(*rows), marks)
    shim = Shim(pid=1001, started=7, kept=kept)
    found = set(pids(look.members(HOME, shim)))
    first = set(marks) | {pid for pid, _, session in rows if session == 1001}
    assert first <= found
    assert os.getpid() not in found
    for pid, parent, _ in rows:
        assert (pid in found) == (pid in first or parent in found)
