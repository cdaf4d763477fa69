"""What clusters on one machine must not share."""

import itertools
import socket
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salt_o2.cluster.port_slots import SLOTS, Slot, claimed, listening_ports, port_is_free
from salt_o2.core.errors import O2Error

ALL = [Slot(number) for number in range(SLOTS)]


def ports(slot):
    master = range(slot.publish_port, slot.request_port + 1)
    ranges = (slot.control_ports, slot.channel_ports)
    return set(master).union(*(range(first, last + 1) for first, last in ranges))


@pytest.mark.parametrize(
    ("one", "other"), list(itertools.combinations(ALL, 2)), ids=lambda slot: str(slot.number)
)
def test_two_slots_share_no_port(one, other):
    assert ports(one).isdisjoint(ports(other))


@pytest.mark.parametrize("slot", ALL, ids=lambda slot: str(slot.number))
def test_the_kinds_of_ports_of_one_slot_do_not_overlap(slot):
    counted = 2 + sum(last - first + 1 for first, last in (slot.control_ports, slot.channel_ports))
    assert len(ports(slot)) == counted


def test_all_ports_lie_below_those_of_outgoing_connections():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(max(ports(slot)) for slot in ALL) < first


def test_no_slot_has_a_port_at_which_dds_commander_listens():
    assert not any(ports(slot) & set(range(20_000, 22_001)) for slot in ALL)


minions = st.integers(0, 2000)
slots = st.sampled_from(ALL)


@given(slots, minions, slots, minions)
def test_every_minion_of_every_slot_has_an_address_of_its_own(slot, minion, other_slot, other_minion):
    same = (slot, minion) == (other_slot, other_minion)
    assert (slot.address(minion) == other_slot.address(other_minion)) is same


@example(Slot(0), 0)
@example(Slot(0), 1)
@given(slots, minions)
def test_addresses_are_loopback_and_not_the_masters(slot, minion):
    address = slot.address(minion)
    socket.inet_aton(address)
    assert address.startswith("127.")
    assert address != "127.0.0.1"


def test_the_first_minion_of_the_first_slot_is_easy_to_remember():
    assert Slot(0).address(0) == "127.0.0.11"


def test_a_claimed_slot_is_not_claimed_twice():
    with claimed() as one, claimed() as other:
        assert one != other


def test_a_slot_is_free_again_afterwards():
    with claimed() as one:
        pass
    with claimed(preferred=one.number) as again:
        assert again == one


def test_a_port_is_taken_while_a_program_listens_at_one_address():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        assert not port_is_free(port)
    assert port_is_free(port)


def test_a_slot_whose_port_is_taken_is_passed_over(monkeypatch):
    taken = Slot(3).request_port
    monkeypatch.setattr("salt_o2.cluster.port_slots.port_is_free", lambda port: port > taken)
    with claimed(preferred=3) as found:
        assert found.number > 3


def test_a_listener_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        assert stranger.getsockname()[1] in listening_ports()


def test_a_slot_whose_ports_are_used_by_others_comes_last(monkeypatch):
    crowded = {Slot(number).control_ports[0] for number in range(SLOTS) if number != 7}
    monkeypatch.setattr("salt_o2.cluster.port_slots.listening_ports", lambda: crowded)
    monkeypatch.setattr("salt_o2.cluster.port_slots.port_is_free", lambda _port: True)
    monkeypatch.setattr("salt_o2.cluster.port_slots._reserve", lambda _slot, _held: True)
    with claimed() as found:
        assert found == Slot(7)
    with claimed(preferred=2) as found:
        assert found == Slot(2), "a cluster keeps its ports"


def test_without_a_free_slot_the_error_names_the_command_that_ends_a_cluster(monkeypatch):
    monkeypatch.setattr("salt_o2.cluster.port_slots.port_is_free", lambda _port: False)
    with pytest.raises(O2Error, match="coconut cluster down"), claimed():
        pass
