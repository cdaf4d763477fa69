"""Waiting for what must become true, without knowing when."""

import time


def wait_until(condition, what, timeout_s=60.0):
    """Return the first true value of ``condition()``; fail with ``what`` if there is none in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not true after {timeout_s:g} s: {what}")
