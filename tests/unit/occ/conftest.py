"""What the tests of the control channel share."""

import pytest

from salt_o2.core.errors import UnreachableError
from tests.support.fakes.devices import FakeDevice, FakeLibOcc


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
    return UnreachableError("no process answers")
