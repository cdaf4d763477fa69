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
        machine.apply(event)
    return seen


def test_the_path_to_running_passes_through_every_intermediate_state():
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


def test_every_stable_state_has_a_path_to_exiting():
    for state in t.STATES:
        if state in t.ENDS or (state, t.AUTO) in t.TARGETS:
            continue
        steps = 0
        while state != n.EXITING:
            state = t.target(state, t.DOWN[state])
            steps += 1
            assert steps < 6


def test_error_found_is_possible_in_every_state_except_error_and_exiting():
    alive = {state for state in t.STATES if t.possible(state, t.ERROR_FOUND)}
    assert alive == set(t.STATES) - {n.ERROR, n.EXITING}


def test_a_controller_cannot_request_auto():
    assert "AUTO" not in t.EVENTS
    assert not t.possible(n.BINDING, "AUTO")


@pytest.mark.parametrize("end", t.ENDS)
def test_no_event_is_possible_in_a_final_state(end):
    assert not any(t.possible(end, event) for event in t.EVENTS)


@given(st.lists(st.sampled_from(sorted(t.EVENTS | {t.AUTO})), max_size=30))
def test_the_machine_goes_exactly_where_the_table_says(events):
    machine = StateMachine(lambda *_: None)
    for event in events:
        before = machine.state
        if (before, event) in t.TARGETS:
            machine.apply(event)
            assert machine.state == t.TARGETS[before, event]
        else:
            with pytest.raises(MachineError):
                machine.apply(event)
            assert machine.state == before
