"""A callback for a channel that is not there is refused when the device is initialised."""

import pytest

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device import Device
from salt_o2.device.command_line import channel_properties, printed_channels
from salt_o2.device.console import Output
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.kinds.processor import Processor
from salt_o2.device.properties import Properties
from salt_o2.device.state_actions import Work

CHANNELS = ("name=data,type=pull,method=bind,address=inproc://data", "name=out,type=push,method=bind")


class Reader(Device):
    """A device that reads the channel of a test."""

    wanted = "data"

    def init(self):
        self.on_data(self.wanted, lambda _parts, _index: None)


@pytest.fixture
def initialised():
    """Return a function that takes a reader of a channel through COMPLETE INIT."""
    works = []

    def initialise(wanted):
        properties, inbox = Properties({"id": "reader"}), Inbox()
        for text in CHANNELS:
            properties.update(channel_properties(text, properties))
        device = Reader(properties, inbox, Output("nolog"))
        device.wanted = wanted
        works.append(Work(device, properties, inbox))
        works[-1].init()
        return device

    yield initialise
    for work in works:
        work.close()


def test_a_callback_for_a_configured_input_is_accepted(initialised):
    assert initialised("data").wanted == "data"


def test_a_callback_for_an_unknown_channel_is_one_error_that_names_the_channels(initialised):
    with pytest.raises(InvalidRequestError) as told:
        initialised("date")
    assert str(told.value) == (
        "on_data: no channel date was configured; there are: data (pull), out (push). Add it to bind or "
        "connect of the task template or of the role, or correct the name in the device"
    )


def test_a_callback_for_an_output_is_refused(initialised):
    with pytest.raises(InvalidRequestError, match="channel out is push, which receives no message"):
        initialised("out")


def test_a_device_prints_its_channels_with_their_types():
    assert printed_channels(Processor.endpoints) == "data1:1:1:pull\ndata2:1:1:push"
    assert printed_channels({}) == "no channels registered"
