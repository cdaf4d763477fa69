"""The key exchange of one session: X25519 and HKDF-SHA256 (RFC 7748, RFC 5869).

Both sides use a key pair that they make for this session only. Recorded traffic can therefore not be opened
later with the long-term keys.
"""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from salt_o2.core.errors import InvalidRequestError

KEY_BYTES = 32
SECRET_BYTES = 32
"""Number of random bytes from which the private key of an exchange is made."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """One AES-256 key for each direction, so that a message cannot be sent back to its sender."""

    to_control: bytes
    to_agent: bytes


class Exchange:
    """One side's key pair for one session."""

    def __init__(self, secret: bytes) -> None:
        """Make the pair from ``secret``, which is SECRET_BYTES random bytes."""
        self._private = X25519PrivateKey.from_private_bytes(secret)
        self.public = self._private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )

    def agree(self, peer: bytes, transcript: bytes) -> SessionKeys:
        """Return the keys that the holder of ``peer`` derives as well from the same ``transcript``.

        Raises:
            InvalidRequestError: ``peer`` is not a usable public key.
        """
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError as error:
            raise InvalidRequestError(f"not a public key of an exchange: {error}") from error
        salt = hashlib.sha256(transcript).digest()
        derived = HKDF(hashes.SHA256(), 2 * KEY_BYTES, salt, b"salt-o2 session keys").derive(shared)
        return SessionKeys(to_control=derived[:KEY_BYTES], to_agent=derived[KEY_BYTES:])
