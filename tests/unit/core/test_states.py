"""The table of transitions, and the algebra of a role's state."""

import itertools
from collections import Counter

import pytest

from salt_o2.core.errors import IllegalTransitionError
from salt_o2.core.states import (
    TRANSITIONS,
    EnvironmentEvent,
    EnvironmentState,
    TaskState,
    TaskStatus,
    allowed_events,
    combine,
    combined_status,
    follow,
)

ANY = [None, *TaskState]


@pytest.mark.parametrize(("event", "source", "target"), TRANSITIONS, ids=lambda value: str(value))
def test_every_line_of_the_table_can_be_followed(event, source, target):
    assert follow(source, event, "it") is target


def test_a_transition_outside_the_table_is_refused_with_the_allowed_ones():
    with pytest.raises(IllegalTransitionError) as refused:
        follow(EnvironmentState.RUNNING, EnvironmentEvent.EXIT, "environment X")
    assert str(refused.value) == (
        "environment X is RUNNING and cannot EXIT; possible now: STOP_ACTIVITY, MODIFY, GO_ERROR"
    )


def test_no_event_leads_out_of_done():
    assert allowed_events(EnvironmentState.DONE) == ()


def test_a_run_must_be_stopped_before_the_end():
    ending = {source for event, source, _ in TRANSITIONS if event is EnvironmentEvent.EXIT}
    assert ending == set(EnvironmentState) - {EnvironmentState.RUNNING, EnvironmentState.DONE}


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product(ANY, repeat=3)))
def test_the_order_in_which_tasks_move_never_matters(a, b, c):
    assert combine(a, b) is combine(b, a)
    assert combine(combine(a, b), c) is combine(a, combine(b, c))


@pytest.mark.parametrize("other", TaskState)
def test_error_overrides_every_other_state(other):
    assert combine(TaskState.ERROR, other) is TaskState.ERROR


def test_two_different_states_make_a_mixed_role():
    assert combine(TaskState.CONFIGURED, TaskState.RUNNING) is TaskState.MIXED


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({}, None),
        ({TaskStatus.ACTIVE: 3}, TaskStatus.ACTIVE),
        ({TaskStatus.ACTIVE: 3, TaskStatus.INACTIVE: 1}, TaskStatus.PARTIAL),
        ({TaskStatus.ACTIVE: 3, TaskStatus.UNDEPLOYABLE: 1}, TaskStatus.UNDEPLOYABLE),
        ({TaskStatus.ACTIVE: 3, TaskStatus.INACTIVE: 0}, TaskStatus.ACTIVE),
    ],
    ids=["nobody", "all there", "some missing", "one impossible", "none missing any more"],
)
def test_the_status_of_a_role_is_that_of_its_tasks(counts, status):
    assert combined_status(Counter(counts)) is status
