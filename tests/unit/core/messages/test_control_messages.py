"""One order that cannot be read costs that order alone, and control hears of it."""

import msgspec
import pytest
from hypothesis import given

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.messages.command_parsing import command_of, message_of
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.plan.launch import Launch, Limits
from salt_o2.core.states import ControlMode, TaskState
from tests.support.random_tests.corruption import one_fault, places, spoilt


def order(task):
    launch = Launch(
        mode=ControlMode.FAIRMQ,
        value="device",
        arguments=("--a",),
        env=("A=1",),
        user="o2",
        control_port=30000,
        ports=(9000,),
        limits=Limits(cpu=1, memory_mb=100, pids=5),
    )
    return Order(task=task, launch=launch, properties={"rate": "1"})


COMMAND = Command(
    host="flp1",
    environment="E",
    revision=3,
    goal=TaskState.RUNNING,
    orders=tuple(order(name) for name in ("t1", "t2", "t3")),
    arguments={"runNumber": "17"},
    timeout_s=30,
)
SENT = msgspec.json.decode(msgspec.json.encode(COMMAND))
ORDERS = [place for place in places(SENT) if place[0] == "orders" and len(place) > 1]


@given(one_fault(SENT))
def test_a_wrong_part_of_an_order_costs_that_order_and_a_wrong_head_the_command(fault):
    path, junk, remove = fault
    wrong = spoilt(SENT, path, junk, remove=remove)
    try:
        read = command_of(wrong)
    except InvalidRequestError:
        assert path[0] != "orders" or len(path) == 1
        return
    if path not in ORDERS:
        return
    others = {o.task: o for number, o in enumerate(COMMAND.orders) if number != path[1]}
    assert others.items() <= {o.task: o for o in read.orders}.items()
    if len(read.orders) == 2 and len(path) > 2 and path[2] != "task":
        assert set(read.unreadable) == {COMMAND.orders[path[1]].task}


def test_no_part_of_a_launch_has_a_default_in_the_place_of_what_was_sent():
    for path in (place for place in ORDERS if place[1:3] == (0, "launch") and len(place) > 3):
        read = command_of(spoilt(SENT, path, [{"never": 1}]))
        assert [o.task for o in read.orders] == ["t2", "t3"], path


@pytest.mark.parametrize("body", [None, [], {}, {"kind": "Report"}, {"kind": []}, {"kind": "Command"}])
def test_an_invalid_message_is_refused(body):
    with pytest.raises(InvalidRequestError):
        message_of(body)
