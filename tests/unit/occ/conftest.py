"""What the tests of the control channel share."""

import pytest
from fake_devices import FakeDevice, FakeLibOcc

from salt_o2.core.errors import UnreachableError


@pytest.fixture
def device():
    """A FairMQ device in IDLE."""
    return FakeDevice()


@pytest.fixture
def process():
    """A process in direct mode, in STANDBY."""
    return FakeLibOcc()


@pytest.fixture
def gone():
    """What every call to a process that went away raises."""
    return UnreachableError("nobody answers")
