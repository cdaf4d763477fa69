"""A private Salt cluster on this machine, for trying out and for tests."""

from salt_o2.cluster.life import down, status, up

__all__ = ["down", "status", "up"]
