"""What only a system call tells."""

import ctypes
import sys

TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""
TIMEX_BYTES = 256
"""Room for struct timex, of which ``modes`` comes first; all zero only asks."""


def clock_is_synchronised() -> bool | None:
    """Return whether the kernel says that somebody keeps its clock (adjtimex(2)); None if it does not say."""
    if not sys.platform.startswith("linux"):
        return None
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return None if state < 0 else state != TIME_ERROR
