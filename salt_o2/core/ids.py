"""Names of things, as types of their own."""

from typing import NewType

EnvironmentId = NewType("EnvironmentId", str)
TaskId = NewType("TaskId", str)
HostId = NewType("HostId", str)
"""A host's name is its Salt minion id."""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Base 58: no two of these look alike when read aloud over a phone."""


def short_id(number: int, length: int = 11) -> str:
    """Write ``number`` as ``length`` base-58 digits, the way environment and task ids are shown."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
