"""The states of a device, as the table has them and as the machine follows them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transitions import MachineError

from salt_o2.device.control import transitions as t
from salt_o2.device.control.state_machine import StateMachine
from salt_o2.occ import fairmq_states as n


def reached(events, start=n.IDLE):
    """The states that these events lead through."""
    seen = []
    machine = StateMachine(lambda _, state: seen.append(state))
    assert machine.state == start
    for event in events:
        machine.take(event)
    return seen


def test_the_way_up_passes_through_every_state_between():
    way = [t.INIT_DEVICE, t.COMPLETE_INIT, t.BIND, t.AUTO, t.CONNECT, t.AUTO, t.INIT_TASK, t.AUTO, t.RUN]
    assert reached(way) == [
        "INITIALIZING DEVICE",
        "INITIALIZED",
        "BINDING",
        "BOUND",
        "CONNECTING",
        "DEVICE READY",
        "INITIALIZING TASK",
        "READY",
        "RUNNING",
    ]


def test_from_every_state_that_stays_there_is_a_way_down_to_exiting():
    for state in t.STATES:
        if state in t.ENDS or (state, t.AUTO) in t.TARGETS:
            continue
        steps = 0
        while state != n.EXITING:
            state = t.target(state, t.DOWN[state])
            steps += 1
            assert steps < 6


def test_error_can_be_found_everywhere_but_at_the_ends():
    alive = {state for state in t.STATES if t.possible(state, t.ERROR_FOUND)}
    assert alive == set(t.STATES) - {n.ERROR, n.EXITING}


def test_auto_is_not_a_controllers_to_ask_for():
    assert "AUTO" not in t.EVENTS
    assert not t.possible(n.BINDING, "AUTO")


@pytest.mark.parametrize("end", t.ENDS)
def test_nothing_is_possible_at_an_end(end):
    assert not any(t.possible(end, event) for event in t.EVENTS)


@given(st.lists(st.sampled_from(sorted(t.EVENTS | {t.AUTO})), max_size=30))
def test_the_machine_goes_exactly_where_the_table_says(events):
    machine = StateMachine(lambda *_: None)
    for event in events:
        before = machine.state
        if (before, event) in t.TARGETS:
            machine.take(event)
            assert machine.state == t.TARGETS[before, event]
        else:
            with pytest.raises(MachineError):
                machine.take(event)
            assert machine.state == before
