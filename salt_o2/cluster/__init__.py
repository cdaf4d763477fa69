"""Private Salt cluster on this machine, for trials and tests."""

from salt_o2.cluster.lifecycle.kill import kill
from salt_o2.cluster.lifecycle.start import up
from salt_o2.cluster.lifecycle.status import is_up, status
from salt_o2.cluster.lifecycle.stop import down

__all__ = ["down", "is_up", "kill", "status", "up"]
