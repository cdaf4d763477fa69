"""Seal and open the messages of one session with AES-256-GCM (NIST SP 800-38D).

A sealed message is the session's id (16 bytes), the message's number (8 bytes, big endian) and the
ciphertext with its tag. The number is the nonce, so it is used once in each direction. The id and the
direction are authenticated too.

A receiver accepts each number once. It accepts numbers out of order, because a command that is resent as a
Salt job may overtake another, but none that is WINDOW or more below the highest accepted number.
"""

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from salt_o2.core.errors import InvalidRequestError

ID_BYTES = 16
HEADER = struct.Struct(f">{ID_BYTES}sQ")
WINDOW = 1024
"""Maximum number of messages that may overtake a message."""
LAST_NUMBER = 2**32
"""Messages of one session and direction; a session that reaches it must be replaced."""


class Numbers:
    """Numbers accepted in one direction of a session."""

    def __init__(self) -> None:
        """Start without accepted numbers."""
        self._highest = 0
        self._accepted = 0
        """Bit n is set if number ``highest - n`` was accepted."""

    def is_new(self, number: int) -> bool:
        """Return whether ``number`` may be accepted: it is neither used already nor too old."""
        behind = self._highest - number
        return 0 < number <= LAST_NUMBER and (
            behind < 0 or (behind < WINDOW and not self._accepted >> behind & 1)
        )

    def accept(self, number: int) -> None:
        """Record ``number``, which is new, as accepted."""
        ahead = number - self._highest
        if ahead > 0:
            shifted = self._accepted << ahead if ahead < WINDOW else 0
            self._highest, self._accepted = number, (shifted | 1) & (1 << WINDOW) - 1
        else:
            self._accepted |= 1 << -ahead


class Channel:
    """One side's end of a session: seals what it sends, opens what it receives."""

    def __init__(self, session: bytes, send_key: bytes, receive_key: bytes) -> None:
        """Seal with ``send_key`` and open with ``receive_key`` in the session with the id ``session``."""
        self.session = session
        self._send, self._receive = AESGCM(send_key), AESGCM(receive_key)
        self._sent = 0
        self._received = Numbers()

    @property
    def is_used_up(self) -> bool:
        """Whether no further message can be sealed: the session must be replaced."""
        return self._sent >= LAST_NUMBER

    def seal(self, message: bytes) -> bytes:
        """Return ``message`` sealed.

        Raises:
            InvalidRequestError: the session is used up.
        """
        if self.is_used_up:
            raise InvalidRequestError(
                "this session has sealed all messages that it may: a new sign-in is needed"
            )
        self._sent += 1
        header = HEADER.pack(self.session, self._sent)
        return header + self._send.encrypt(_nonce(self._sent), message, header)

    def open(self, sealed: bytes) -> bytes:
        """Return the message in ``sealed``.

        Raises:
            InvalidRequestError: it was not sealed by the peer in this session, or was accepted before.
        """
        session, number = split(sealed)
        if session != self.session:
            raise InvalidRequestError("the message belongs to another session")
        if not self._received.is_new(number):
            raise InvalidRequestError(f"message {number} of the session was taken before, or is too old")
        header = sealed[: HEADER.size]
        try:
            message = self._receive.decrypt(_nonce(number), sealed[HEADER.size :], header)
        except InvalidTag:
            raise InvalidRequestError(f"message {number} is not sealed with the key of its session") from None
        self._received.accept(number)  # only after the check: a forged number must not block a genuine one
        return message


def split(sealed: bytes) -> tuple[bytes, int]:
    """Return the session's id and the message's number, neither of them verified.

    Raises:
        InvalidRequestError: ``sealed`` is too short.
    """
    if len(sealed) < HEADER.size:
        raise InvalidRequestError(
            f"a sealed message has at least {HEADER.size} bytes, this one {len(sealed)}"
        )
    session, number = HEADER.unpack_from(sealed)
    return session, number


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
