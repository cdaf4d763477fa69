"""Messages of a sign-in: encode, sign and check.

    control --Invitation--> all agents, or one     "control C runs: sign in"; holds nothing secret
    agent   --Hello------->  control               signed with the minion's key
    control --Welcome----->  that agent            signed with control's key, which the master has signed
    agent   --first sealed message-->              proves that the agent holds the session's key

RSA signatures with the master's key take milliseconds. Control therefore makes an Ed25519 key when it
starts, has the master's key sign it once (a :class:`Certificate`), and signs invitations and welcomes with
that.
"""

import hashlib
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from salt_o2.core.errors import InvalidRequestError
from salt_o2.sealing.identity import PrivateKey, PublicKey

MOST_BYTES = 4096
"""Maximum size of a sign-in message: an RSA signature of 8192 bits has 1,024 bytes."""
CERTIFICATE, INVITATION, HELLO, WELCOME = b"certificate", b"invitation", b"hello", b"welcome"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Key of one run of control, certified by the master."""

    control: bytes
    """The id of this run of control: 16 random bytes."""
    key: bytes
    """Control's public Ed25519 key, 32 bytes."""
    signature: bytes
    """The master's signature of ``control`` and ``key``."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Asks agents to sign in to the control of ``certificate``."""

    certificate: Certificate
    host: str
    """Host that must sign in even if it has a session; empty if all are asked."""
    signature: bytes


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """An agent asks for a session."""

    host: str
    incarnation: str
    exchange: bytes
    """Public key of the agent's exchange, new for each hello."""
    signature: bytes
    """The minion's signature of the other fields."""


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """Control's grant of a session to the agent that sent the hello."""

    certificate: Certificate
    session: bytes
    exchange: bytes
    hello: bytes
    """SHA-256 of the hello that this message answers."""
    signature: bytes


Message = TypeVar("Message", Invitation, Hello, Welcome)


class ControlKey:
    """The key of one run of control, with its certificate."""

    def __init__(self, master: PrivateKey, control: bytes, secret: bytes) -> None:
        """Make the key from 32 random bytes ``secret`` and let ``master`` certify it."""
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        public = self._key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        self.certificate = Certificate(
            control=control, key=public, signature=master.sign(CERTIFICATE, control + public)
        )

    def invite(self, host: str = "") -> bytes:
        """Return an invitation of ``host``, or of all agents."""
        return _encode(
            Invitation(
                certificate=self.certificate, host=host, signature=self._sign(INVITATION, host.encode())
            )
        )

    def welcome(self, session: bytes, exchange: bytes, hello: bytes) -> bytes:
        """Return the answer to the encoded ``hello``."""
        digest = hashlib.sha256(hello).digest()
        return _encode(
            Welcome(
                certificate=self.certificate,
                session=session,
                exchange=exchange,
                hello=digest,
                signature=self._sign(WELCOME, session + exchange + digest),
            )
        )

    def _sign(self, context: bytes, message: bytes) -> bytes:
        return self._key.sign(context + b"\0" + self.certificate.control + message)


class Vouched:
    """Check control's messages against the master's public key, with one RSA check for each new control."""

    def __init__(self, master: PublicKey) -> None:
        """Trust the controls that ``master`` certifies."""
        self._master = master
        self._known: Certificate | None = None

    def invitation(self, data: bytes) -> Invitation:
        """Return the invitation in ``data``.

        Raises:
            InvalidRequestError: it is not an invitation, or not one of this master's control.
        """
        message = _decode(data, Invitation)
        self._check(message.certificate, INVITATION, message.host.encode(), message.signature)
        return message

    def welcome(self, data: bytes, hello: bytes) -> Welcome | None:
        """Return the welcome in ``data`` if it answers the encoded ``hello``; ``None`` if it answers another.

        Raises:
            InvalidRequestError: it is not a welcome, or not one of this master's control.
        """
        message = _decode(data, Welcome)
        signed = message.session + message.exchange + message.hello
        self._check(message.certificate, WELCOME, signed, message.signature)
        return message if message.hello == hashlib.sha256(hello).digest() else None

    def _check(self, certificate: Certificate, context: bytes, message: bytes, signature: bytes) -> None:
        if certificate != self._known:
            vouched = certificate.control + certificate.key
            if not self._master.has_signed(CERTIFICATE, vouched, certificate.signature):
                raise InvalidRequestError("the key of control is not signed by this host's master")
            self._known = certificate
        try:
            key = Ed25519PublicKey.from_public_bytes(certificate.key)
            key.verify(signature, context + b"\0" + certificate.control + message)
        except (ValueError, InvalidSignature):
            raise InvalidRequestError(f"the {context.decode()} is not signed by control") from None


def hello(key: PrivateKey, host: str, incarnation: str, exchange: bytes) -> bytes:
    """Return a hello of the agent ``incarnation`` on ``host``, signed with its minion's ``key``."""
    signature = key.sign(HELLO, _signed(host, incarnation, exchange))
    return _encode(Hello(host=host, incarnation=incarnation, exchange=exchange, signature=signature))


def read_hello(data: bytes) -> Hello:
    """Return the hello in ``data``. Its signature is not checked yet.

    Raises:
        InvalidRequestError: it is not a hello.
    """
    return _decode(data, Hello)


def is_signed_by(message: Hello, key: PublicKey) -> bool:
    """Return whether ``message`` is signed by the host that holds ``key``."""
    return key.has_signed(
        HELLO, _signed(message.host, message.incarnation, message.exchange), message.signature
    )


def transcript(hello: bytes, welcome: bytes) -> bytes:
    """Return the transcript of a sign-in on both sides. The session's keys depend on all of it."""
    return len(hello).to_bytes(4, "big") + hello + welcome


def _signed(host: str, incarnation: str, exchange: bytes) -> bytes:
    return msgspec.msgpack.encode((host, incarnation, exchange))


def _encode(message: Invitation | Hello | Welcome) -> bytes:
    return msgspec.msgpack.encode(message)


def _decode(data: bytes, kind: type[Message]) -> Message:
    if len(data) > MOST_BYTES:
        raise InvalidRequestError(f"a {kind.__name__} has at most {MOST_BYTES} bytes, this one {len(data)}")
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and texts that are not UTF-8
        raise InvalidRequestError(f"not a {kind.__name__}: {error}") from error
