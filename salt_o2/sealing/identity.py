"""Long-term keys of hosts and master in Salt's format (RSA, PEM), and signatures by them.

A signature covers a context, which names its purpose. Therefore a signature that Salt itself makes with the
same key is never accepted as ours, and a signature of ours is valid for one purpose only.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from salt_o2.core.errors import InvalidRequestError

PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """The private key of a host or of the master."""

    _key: rsa.RSAPrivateKey

    @classmethod
    def from_pem(cls, pem: bytes) -> "PrivateKey":
        """Read the key from ``pem``.

        Raises:
            InvalidRequestError: ``pem`` holds no RSA private key, or one with a passphrase.
        """
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise InvalidRequestError(f"not a private key without passphrase in PEM form: {error}") from error
        return cls.of(key)

    @classmethod
    def of(cls, key: object) -> "PrivateKey":
        """Wrap ``key``, which another part of this process has loaded.

        Raises:
            InvalidRequestError: it is not an RSA private key.
        """
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InvalidRequestError(f"an RSA key is needed, this is a {type(key).__name__}")
        return cls(key)

    def sign(self, context: bytes, message: bytes) -> bytes:
        """Return the signature of ``message`` for the purpose ``context``."""
        return self._key.sign(_scoped(context, message), PSS, hashes.SHA256())

    @property
    def public(self) -> "PublicKey":
        """The public key."""
        return PublicKey(self._key.public_key())


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public key of a host or of the master."""

    _key: rsa.RSAPublicKey

    @classmethod
    def from_pem(cls, pem: bytes) -> "PublicKey":
        """Read the key from ``pem``.

        Raises:
            InvalidRequestError: ``pem`` holds no RSA public key.
        """
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InvalidRequestError(f"not a public key in PEM form: {error}") from error
        if not isinstance(key, rsa.RSAPublicKey):
            raise InvalidRequestError(f"an RSA key is needed, this is a {type(key).__name__}")
        return cls(key)

    def has_signed(self, context: bytes, message: bytes, signature: bytes) -> bool:
        """Return whether ``signature`` was made by this key for ``message`` and the purpose ``context``."""
        try:
            self._key.verify(signature, _scoped(context, message), PSS, hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def _scoped(context: bytes, message: bytes) -> bytes:
    return b"salt-o2:" + context + b"\0" + message
