"""Interruptions of a run outlive a restart of control."""

from salt_o2.core.tasks.incidents import IncidentLog
from tests.support.builders.plans import planned


def test_interruptions_that_were_open_at_a_restart_of_control_continue():
    before, after = IncidentLog(), IncidentLog()
    before.interrupt(planned("sink", "epn1"), "killed by signal 9", 10.0)
    after.continue_interruptions(before.interrupted)
    ended = after.resume(planned("sink", "epn2"), 20.0, 1)
    assert (ended.since, ended.until) == (10.0, 20.0)
    assert after.interrupted == {}
