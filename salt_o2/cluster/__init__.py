"""A private Salt cluster on this machine, for trying out and for tests."""

from salt_o2.cluster.condition import is_up, status
from salt_o2.cluster.killing import kill
from salt_o2.cluster.startup import up
from salt_o2.cluster.teardown import down

__all__ = ["down", "is_up", "kill", "status", "up"]
