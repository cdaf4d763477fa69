"""Agents and control of two versions understand each other, as hosts are upgraded one after the other."""

import dataclasses

import pytest

from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.messages.reports import HostFacts

FACTS = HostFacts(
    address="10.0.0.11",
    network="one",
    cpus=2,
    memory_mb=4096,
    attributes={"detector": "TST"},
    version="0.2.0",
)
OPTIONAL = [
    each
    for each in dataclasses.fields(HostFacts)
    if each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING
]


def test_an_unknown_field_of_a_newer_sender_is_ignored():
    assert typed(plain(FACTS) | {"colour": "green"}, HostFacts) == FACTS


@pytest.mark.parametrize("field", OPTIONAL, ids=lambda field: field.name)
def test_a_field_that_an_older_sender_lacks_has_its_default(field):
    sent = plain(FACTS)
    del sent[field.name]
    default = field.default_factory() if field.default is dataclasses.MISSING else field.default
    assert typed(sent, HostFacts) == dataclasses.replace(FACTS, **{field.name: default})


def test_a_field_of_another_type_is_refused_in_any_version():
    with pytest.raises(InvalidRequestError, match="attributes"):
        typed(plain(FACTS) | {"attributes": 7}, HostFacts)
