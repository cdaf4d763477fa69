"""The tables of what may be sent, against the states and events as the reference lists them."""

import pytest

from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.device.control.transitions import TARGETS, target
from salt_o2.occ import direct, fairmq
from salt_o2.occ.wire import arguments as properties

REFERENCE = [
    ("INIT DEVICE", "IDLE", "INITIALIZING DEVICE"),
    ("COMPLETE INIT", "INITIALIZING DEVICE", "INITIALIZED"),
    ("BIND", "INITIALIZED", "BOUND"),
    ("CONNECT", "BOUND", "DEVICE READY"),
    ("INIT TASK", "DEVICE READY", "READY"),
    ("RUN", "READY", "RUNNING"),
    ("STOP", "RUNNING", "READY"),
    ("RESET TASK", "READY", "DEVICE READY"),
    ("RESET DEVICE", "DEVICE READY", "IDLE"),
    ("RESET DEVICE", "BOUND", "IDLE"),
    ("RESET DEVICE", "INITIALIZED", "IDLE"),
    ("END", "IDLE", "EXITING"),
]
WALKS = [
    pytest.param(table, event, source, steps, id=f"{name} {event} from {source}")
    for name, table in (("fairmq", fairmq.TABLE), ("direct", direct.TABLE))
    for event, walks in table.walks.items()
    for source, steps in walks.items()
]


@pytest.mark.parametrize(("event", "source", "reached"), REFERENCE)
def test_every_step_of_the_reference_leads_to_its_target(event, source, reached):
    assert target(source, event) == reached


def test_no_other_step_is_ever_sent_to_a_fairmq_device():
    sent = {
        (move.event, move.source, move.target)
        for walks in fairmq.TABLE.walks.values()
        for steps in walks.values()
        for move in steps
    }
    assert sent == set(REFERENCE)


@pytest.mark.parametrize(("table", "event", "source", "steps"), WALKS)
def test_every_walk_is_unbroken_and_ends_at_the_goal(table, event, source, steps):
    places = [source, *(move.target for move in steps)]
    assert [move.source for move in steps] == places[:-1]
    assert places[-1] == table.goals[event]


def test_no_step_is_allowed_in_the_error_state_of_a_fairmq_device():
    assert fairmq.TABLE.allowed("ERROR") == ()


def test_every_rollback_is_a_legal_step_to_idle():
    for state, move in fairmq.TABLE.rollback.items():
        assert (state, move.event) in TARGETS
        assert (move.source, move.target, move.with_arguments) == (state, "IDLE", False)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("IDLE", TaskState.STANDBY),
        ("READY", TaskState.CONFIGURED),
        ("RUNNING", TaskState.RUNNING),
        ("ERROR", TaskState.ERROR),
        ("EXITING", TaskState.DONE),
        ("BINDING", TaskState.UNKNOWN),
        ("DEVICE READY", TaskState.UNKNOWN),
        ("never heard of", TaskState.UNKNOWN),
    ],
)
def test_a_state_of_a_device_maps_to_a_state_of_a_task(word, state):
    assert fairmq.TABLE.task_state(word) is state


def test_a_fairmq_device_cannot_recover_and_libocc_can():
    assert TaskEvent.RECOVER not in fairmq.TABLE.goals
    assert direct.TABLE.goals[TaskEvent.RECOVER] == "STANDBY"


def test_initializing_device_is_no_passing_state_because_it_waits_for_complete_init():
    assert "INITIALIZING DEVICE" not in fairmq.PASSING


def test_channels_are_found_in_the_properties():
    arguments = {"chans.a.0.type": "push", "chans.b.numSockets": "1", "environment_id": "x", "chans": "y"}
    assert properties.channels_of(arguments) == {"a", "b"}


@pytest.mark.parametrize(
    ("key", "value", "fine"),
    [
        ("chans.a.0.rateLogging", "0", True),
        ("chans.a.0.linger", "-1", True),
        ("chans.a.0.linger", "--1", False),
        ("chans.a.0.linger", "１", False),
        ("my.rcvBufSize", "x", False),
        ("chans.a.0.autoBind", "1", True),
        ("chans.a.0.autoBind", "true", False),
        ("sndTimeoutMs", "5", True),
        ("text", "anything", True),
        ("chans.a.0.address", "tcp://*:1", True),
    ],
)
def test_an_argument_is_judged_by_the_last_part_of_its_key(key, value, fine):
    assert (properties.fault_of(key, value) == "") is fine
