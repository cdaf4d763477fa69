"""A private Salt cluster on this machine, for trying out and for tests."""

from salt_o2.cluster.life import down, is_up, status, up

__all__ = ["down", "is_up", "status", "up"]
