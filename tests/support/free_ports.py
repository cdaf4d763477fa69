"""Free TCP ports for the servers of tests."""

import random
import socket
from contextlib import suppress


def free_port():
    """Return a free port that the kernel gives to no connection: it lies above the usual ephemeral ports."""
    while True:
        port = random.SystemRandom().randrange(61_000, 65_536)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
