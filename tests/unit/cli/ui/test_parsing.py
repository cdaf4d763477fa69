"""Words of a command line become values, or a refusal that names the option."""

import pytest

from salt_o2.cli.ui import parsing
from salt_o2.core.errors import InvalidRequestError


def test_channels_of_a_device_are_names_with_types():
    assert parsing.channels(["data=push,in=pull", "ctl=sub"]) == {"data": "push", "in": "pull", "ctl": "sub"}
    assert parsing.channels([]) == {}


@pytest.mark.parametrize("given", ["data", "data=pigeon", "data=push,data=pull"])
def test_channels_without_a_valid_type_or_given_twice_are_refused(given):
    with pytest.raises(InvalidRequestError, match="--channels"):
        parsing.channels([given])
