"""Agents, a control and their keys, for tests of sign-ins."""

from dataclasses import dataclass, field
from functools import cache
from random import Random

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from salt_o2.core.ids import HostId
from salt_o2.sealing.agent_session import AgentSession
from salt_o2.sealing.handshake import ControlKey
from salt_o2.sealing.host_sessions import HostSessions
from salt_o2.sealing.identity import PrivateKey


@cache
def private(name):
    """Return the key pair called ``name``; to make one takes a while."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return PrivateKey.from_pem(pem)


@dataclass
class Site:
    """A master with the hosts whose keys it has accepted; all randomness comes from a seed."""

    hosts: tuple = ("flp1", "flp2")
    random: Random = field(default_factory=lambda: Random(0))

    def control(self, master="master"):
        """Start control: a new run of it, with a key and an id of its own."""
        key = ControlKey(private(master), self.random.randbytes(16), self.random.randbytes(32))
        return HostSessions(key, self.key_of, self.random.randbytes)

    def key_of(self, host):
        return private(host).public if host in self.hosts else None

    def agent(self, host, incarnation="1", key=None, master="master"):
        """Start an agent on ``host``, with the key of that host unless it is a liar."""
        return AgentSession(
            HostId(host), incarnation, private(key or host), private(master).public, self.random.randbytes
        )


def sign_in(agent, control):
    """Let ``agent`` sign in to ``control``; return what control was told by the first message."""
    _, welcome = control.take_hello(agent.greet())
    assert agent.take_welcome(welcome)
    return control.open(agent.seal(b"first"))
