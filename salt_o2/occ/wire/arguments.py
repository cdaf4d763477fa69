"""How OCC plugins convert the arguments of a transition, and which would break a FairMQ device.

Every argument arrives as text. The plugins convert by the last part of the key only, and all other values
become string properties. A device that then reads such a property as a number fails with ERROR.
"""

from collections.abc import Mapping

INTEGERS = frozenset({"rateLogging", "rcvBufSize", "sndBufSize", "linger", "rcvKernelSize", "sndKernelSize"})
"""Last key parts whose values the plugins turn into integers; ``numSockets`` stays a string."""
BOOLEANS = frozenset({"autoBind"})
"""Last key parts whose values the plugins turn into booleans, from ``0`` and ``1``."""
NEVER_PUSHED = frozenset({"sndTimeoutMs", "rcvTimeoutMs", "portRangeMin", "portRangeMax"})
"""Channel settings that the device reads as numbers and the plugins push as strings."""


def last_part(key: str) -> str:
    """Return the part of ``key`` that decides the conversion: the part after its last dot."""
    return key.rpartition(".")[2]


def channels_of(arguments: Mapping[str, str]) -> set[str]:
    """Return the names of the channels that ``arguments`` describe (``chans.<name>.<n>.<setting>``)."""
    keys = (key.split(".") for key in arguments if key.startswith("chans."))
    return {parts[1] for parts in keys if len(parts) > 2}


def fault_of(key: str, value: str) -> str:
    """Return why a FairMQ device could not accept this argument; empty if it can."""
    part = last_part(key)
    if key.startswith("chans.") and part in NEVER_PUSHED:
        return f"{key} cannot be pushed: give it on the command line (--channel-config)"
    if part in INTEGERS and not _is_integer(value):
        return f"{key}={value!r} is not a whole number"
    if part in BOOLEANS and value not in ("0", "1"):
        return f"{key}={value!r} is neither 0 nor 1"
    return ""


def faults(arguments: Mapping[str, str]) -> list[str]:
    """Return one line for each argument that would bring a FairMQ device into ERROR."""
    return [fault for key, value in arguments.items() if (fault := fault_of(key, str(value)))]


def _is_integer(value: str) -> bool:
    return value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()
