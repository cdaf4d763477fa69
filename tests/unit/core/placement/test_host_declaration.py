"""What a host claims about itself is used only where the site's pillar does not speak."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import attributes_of
from salt_o2.core.placement.host_declaration import (
    NOTHING,
    Declaration,
    bounded,
    declaration_of,
    other_machine,
)

CLAIMED = HostFacts(
    address="10.9.9.9",
    network="boot:1",
    cpus=900.0,
    memory_mb=9e6,
    attributes={"machine_id": "flp1", "detector": "TPC", "rack": "7"},
    control_ports=(1000, 2000),
    channel_ports=(3000, 4000),
)
DECLARED = Declaration(
    address="10.0.0.2",
    attributes={"machine_id": "flp2", "detector": "TOF"},
    control_ports=(30000, 30010),
    channel_ports=(9000, 9010),
    cpus=8.0,
    memory_mb=16_000.0,
)
NAMES = {"machine_id", "machine_type", "detector"}
_NAMES = ["machine_id", "hostname", "detector", "rack", "x"]
ATTRIBUTES = st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=5))


@pytest.mark.finding("2.2")
def test_the_declaration_of_pillar_overrides_every_claim():
    used, unused = bounded("flp2", CLAIMED, DECLARED, NAMES)
    assert used == replace(
        CLAIMED,
        address="10.0.0.2",
        attributes={"machine_id": "flp2", "detector": "TOF", "rack": "7"},
        control_ports=(30000, 30010),
        channel_ports=(9000, 9010),
        cpus=8.0,
        memory_mb=16_000.0,
    )
    places = [line.partition(":")[0] for line in unused]
    assert places == [
        "address",
        "control_ports",
        "channel_ports",
        "attributes.machine_id",
        "attributes.detector",
    ]


@pytest.mark.finding("2.2")
def test_an_attribute_that_pillar_declares_for_another_host_cannot_be_claimed():
    used, unused = bounded("flp2", CLAIMED, NOTHING, {"detector"})
    assert attributes_of("flp2", used) == {"machine_id": "flp2", "hostname": "flp2", "rack": "7"}
    assert [line.partition(":")[0] for line in unused] == ["attributes.machine_id", "attributes.detector"]


def test_a_host_of_a_site_without_pillar_keeps_its_own_attributes_address_and_ports():
    used, unused = bounded("flp2", CLAIMED, NOTHING, set())
    assert used == replace(CLAIMED, attributes={"detector": "TPC", "rack": "7"})
    assert len(unused) == 1, "it is not flp1"


def test_a_host_whose_claims_match_pillar_has_no_fault_and_may_measure_less():
    claim = HostFacts(
        address="10.0.0.2",
        network="n",
        cpus=4.0,
        memory_mb=8_000.0,
        attributes=DECLARED.attributes,
        control_ports=(30000, 30010),
        channel_ports=(9000, 9010),
    )
    assert bounded("flp2", claim, DECLARED, NAMES) == (claim, ())


@pytest.mark.finding("2.2")
@given(claims=ATTRIBUTES, declared=ATTRIBUTES, others=st.sets(st.sampled_from(["detector", "x"])))
def test_no_claim_changes_an_attribute_of_the_site(claims, declared, others):
    names = {*others, *declared}
    claimed, said = replace(CLAIMED, attributes=claims), Declaration(attributes=declared)
    used = attributes_of("flp2", bounded("flp2", claimed, said, names)[0])
    honest = attributes_of("flp2", bounded("flp2", replace(CLAIMED, attributes={}), said, names)[0])
    for name in {*names, "machine_id", "hostname"}:
        assert used.get(name) == honest.get(name)


@pytest.mark.parametrize(
    ("address", "network", "is_other"),
    [
        ("10.0.0.1", "boot:2", True),
        ("10.0.0.1", "boot:1", False),
        ("10.0.0.2", "boot:2", False),
        ("127.0.0.1", "boot:2", False),
    ],
)
@pytest.mark.finding("2.2")
def test_the_address_of_another_machine_cannot_be_claimed(address, network, is_other):
    known = [
        ("flp1", HostFacts(address=each, network="boot:1", cpus=1, memory_mb=1))
        for each in ("10.0.0.1", "127.0.0.1")
    ]
    why = other_machine("flp2", replace(CLAIMED, address=address, network=network), known)
    assert bool(why) == is_other
    assert not why or "host flp1" in why


@pytest.mark.parametrize(
    ("pillar", "place"),
    [
        ("text", "o2"),
        ({"cpus": "many"}, "o2:cpus"),
        ({"memory_mb": float("nan")}, "o2:memory_mb"),
        ({"control_ports": [9, 5]}, "o2:control_ports"),
        ({"channel_ports": [0, 70000]}, "o2:channel_ports[0]"),
        ({"address": "fe80::1"}, "o2:address"),
        ({"attributes": {"a": None}}, "o2:attributes.a"),
    ],
)
def test_a_part_of_pillar_that_cannot_be_used_is_named_and_left_out(pillar, place):
    good = {"attributes": {"rack": 7}, "hosts": ["flp2"], "limits": {}}
    whole = {**good, **pillar} if isinstance(pillar, dict) else pillar
    declared, faults = declaration_of(whole)
    assert [fault.partition(": ")[0] for fault in faults] == [place]
    if isinstance(pillar, dict) and "attributes" not in pillar:
        assert declared == Declaration(attributes={"rack": "7"})
