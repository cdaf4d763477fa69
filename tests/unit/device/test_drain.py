"""A device that leaves a run which goes on finishes what it holds."""

import time

import pytest

from salt_o2.device.base import Device
from salt_o2.device.console import Output
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.properties import Properties
from salt_o2.device.state_actions import Work


class Holder(Device):
    """Holds messages that have arrived and were not handled yet."""

    def __init__(self, held, enough=None):
        self.inbox = Inbox()
        super().__init__(Properties(), self.inbox, Output("nolog"))
        self.held, self.handled, self.enough = list(held), [], enough
        self.on_data("data", self.handle)

    def handle(self, parts, _index):
        self.handled.append(parts)
        return len(self.handled) != self.enough

    def wait_for_data(self, names, timeout_ms):
        return [("data", 0)] if self.held else []

    def receive(self, name, index=0, timeout_ms=-1):
        return self.held.pop(0)


@pytest.fixture
def device(request):
    """A device that holds three messages."""
    device = Holder(["one", "two", "three"], *getattr(request, "param", ()))
    yield device
    device.inbox.close()


def work(device):
    return Work(device, device.properties, device.inbox)


def test_buffered_data_is_handled_before_a_device_stops(device):
    work(device).drain({"drain_ms": "5000"})
    assert device.handled == ["one", "two", "three"]


@pytest.mark.parametrize("arguments", [{}, {"drain_ms": ""}, {"drain_ms": "0"}], ids=["no", "nil", "0"])
def test_an_ordinary_stop_handles_nothing_more(device, arguments):
    work(device).drain(arguments)
    assert device.handled == []


def test_a_drain_of_endless_data_stops_at_its_time_limit(device):
    device.held = ["again"]
    device.receive = lambda *_: "again"
    begin = time.monotonic()
    work(device).drain({"drain_ms": "50"})
    assert device.handled
    assert time.monotonic() >= begin + 0.05


@pytest.mark.parametrize("device", [(2,)], indirect=True, ids=["enough after two"])
def test_a_callback_that_returns_false_ends_the_drain(device):
    work(device).drain({"drain_ms": "5000"})
    assert device.handled == ["one", "two"]
