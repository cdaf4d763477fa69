"""When an agent reports."""

from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.messages.report_schedule import (
    ACKNOWLEDGE_S,
    EVERY_S,
    GATHER_S,
    MANY,
    PROGRESS_S,
    PendingReport,
    due_at,
)

times = st.floats(min_value=0, max_value=1e6)


def test_an_agent_without_changes_sends_no_report():
    assert due_at(PendingReport(sent_at=5.0)) is None


def test_a_command_is_acknowledged_soon_even_if_nothing_has_moved():
    assert due_at(PendingReport(sent_at=9.99, commanded_at=10.0)) == 10.0 + ACKNOWLEDGE_S


def test_the_last_task_of_a_command_is_reported_at_once():
    busy = PendingReport(sent_at=9.99, commanded_at=10.0, changed_at=10.001, completed=True)
    assert due_at(busy) == 10.001


def test_tasks_that_are_still_on_their_way_are_reported_at_most_every_second():
    """Each report costs the master the same whatever is in it, and thousands of hosts may be on their way."""
    assert due_at(PendingReport(sent_at=10.0, changed_at=10.01, driven=3)) == 10.0 + PROGRESS_S


def test_the_first_of_a_command_to_get_there_wait_for_the_last_as_long_as_an_acknowledgement_may():
    """A report on its way would hold up the one that control waits for."""
    first_there = PendingReport(sent_at=0.0, commanded_at=10.0, changed_at=10.01)
    assert due_at(first_there) == 10.0 + ACKNOWLEDGE_S


def test_a_death_during_a_command_is_reported_without_delay():
    due = due_at(PendingReport(sent_at=0.0, commanded_at=10.0, changed_at=10.01, unsolicited_at=10.02))
    assert due == 10.02 + GATHER_S


def test_an_unexpected_death_is_reported_after_a_moment_together_with_others():
    due = due_at(PendingReport(sent_at=0.0, changed_at=10.0))
    assert 10.0 < due < 10.01


def test_a_death_does_not_wait_for_the_pace_of_reports_that_follow_each_other():
    due = due_at(PendingReport(sent_at=10.0, changed_at=10.01, unsolicited_at=10.01, quick_from=9.5))
    assert due == 10.01 + GATHER_S


def test_a_host_whose_tasks_die_one_after_the_other_keeps_the_pace_of_reports():
    due = due_at(PendingReport(sent_at=10.0, changed_at=10.01, unsolicited_at=10.01, quick_from=10.9))
    assert due == 10.0 + EVERY_S


def test_an_agent_with_many_orders_acknowledges_at_once():
    assert due_at(PendingReport(sent_at=9.99, commanded_at=10.0, driven=MANY + 1)) == 10.0


@given(times, st.none() | times, st.none() | times, st.booleans())
def test_each_change_is_reported_and_never_before_it_happens(sent, commanded, changed, completed):
    due = due_at(PendingReport(sent_at=sent, commanded_at=commanded, changed_at=changed, completed=completed))
    known = [moment for moment in (commanded, changed) if moment is not None]
    assert (due is None) == (known == [])
    if due is not None:
        assert due >= min(known)
        assert due <= max(sent, *known) + PROGRESS_S
