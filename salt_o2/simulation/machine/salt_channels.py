"""Models of Salt's channels, on which the real buses of agents and of control run."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from salt_o2.bus.master import MasterChannels
from salt_o2.bus.minion import MinionChannels
from salt_o2.core.ids import HostId
from salt_o2.sealing.host_sessions import KeyOf
from salt_o2.sealing.identity import PrivateKey, PublicKey
from salt_o2.simulation.machine.network import Event, Listening, Network
from salt_o2.simulation.machine.process import Program


class SimulatedMinionChannels(MinionChannels):
    """Salt's part of the bus of one agent."""

    def __init__(
        self, network: Network, program: Program, host: str, key: PrivateKey, master: PublicKey
    ) -> None:
        """Connect ``program`` on ``host``."""
        self._network, self._program, self._host = network, program, host
        self._keys = (key, master)

    async def keys_made(self, opts: dict[str, Any]) -> None:
        """Return: the master has accepted the minion."""

    def keys(self, opts: dict[str, Any]) -> tuple[PrivateKey, PublicKey]:
        """Return the keys of minion and master."""
        return self._keys

    async def resolve(self, opts: dict[str, Any]) -> dict[str, Any]:
        """Return nothing: the address is known."""
        return {}

    async def pillar(self, opts: dict[str, Any]) -> dict[str, Any]:
        """Return an empty pillar."""
        return {}

    def publications(self, opts: dict[str, Any]) -> Any:
        """Return the channel of publications."""
        return _Publications(self._network, self._program, self._host)

    def requests(self, opts: dict[str, Any]) -> Any:
        """Return the channel of requests."""
        return _Requests(self._network, self._host)


class _Publications:
    """Publications of the master, as one agent receives them."""

    def __init__(self, network: Network, program: Program, host: str) -> None:
        self._network, self._program, self._host = network, program, host
        self.transport = self
        self.on_recv_task: Any = None
        self._listening: Listening | None = None

    async def connect(self) -> None:
        """Sign in to the master.

        Raises:
            MasterAway: the master does not answer.
        """
        await self._network.sign_in(self._host)

    def on_recv(self, receive: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Pass each publication to ``receive``."""
        self._listening = Listening(self._program, receive)
        self._network.agents.setdefault(self._host, []).append(self._listening)
        self.on_recv_task = self._listening.reading

    def close(self) -> None:
        """Disconnect."""
        listening = self._network.agents.get(self._host, [])
        if self._listening in listening:
            listening.remove(self._listening)
            self._listening.reading.cancel()


class _Requests:
    """Requests of one agent to the master."""

    def __init__(self, network: Network, host: str) -> None:
        self._network, self._host = network, host
        self.auth = self

    async def send(self, load: dict[str, Any], timeout: float, tries: int) -> None:
        """Send one request."""
        await self._network.request(self._host, load, timeout)

    def authenticate(self) -> Any:
        """Return a sign-in that is complete."""
        raise NotImplementedError("no sign-in of the simulation is ever cancelled")

    def close(self) -> None:
        """Disconnect."""


class SimulatedMasterChannels(MasterChannels):
    """Salt's part of the bus of control."""

    def __init__(
        self,
        network: Network,
        program: Program,
        key: PrivateKey,
        accepted: Mapping[str, PublicKey],
        announced: list[tuple[str, Any]],
    ) -> None:
        """Connect ``program``; the master accepts the keys of ``accepted``.

        ``announced`` gets tag and data of each announcement.
        """
        self._network, self._program, self._key, self._accepted = network, program, key, accepted
        self.announced = announced

    def key(self, opts: dict[str, Any]) -> PrivateKey:
        """Return the key of the master."""
        return self._key

    def accepted(self, opts: dict[str, Any]) -> KeyOf:
        """Return the keys that the master accepts."""

        def key_of(host: HostId) -> PublicKey | None:
            return self._accepted.get(host)

        return key_of

    def publisher(self, opts: dict[str, Any]) -> Any:
        """Return the publish channel."""
        return _Publisher(self._network)

    def events(self, opts: dict[str, Any]) -> Any:
        """Return the event bus."""
        return _Events(self._network, self._program, self.announced)

    def unpack(self, raw: bytes) -> tuple[str, dict[str, Any]]:
        """Return tag and data of an event."""
        assert isinstance(raw, Event)
        return raw.decode(), {"data": raw.data}

    def run_job(self, opts: dict[str, Any], host: str, arguments: Mapping[str, str]) -> None:
        """Start a job."""
        self._network.job(host, arguments)


class _Publisher:
    def __init__(self, network: Network) -> None:
        self._network = network

    async def publish(self, load: dict[str, Any]) -> None:
        """Publish ``load``."""
        self._network.publish(load)

    def close(self) -> None:
        """Disconnect."""


class _Events:
    def __init__(self, network: Network, program: Program, announced: list[tuple[str, Any]]) -> None:
        self._network, self._program, self._announced = network, program, announced
        self.subscriber = self
        self.on_recv_task: Any = None
        self._listening: Listening | None = None

    def set_event_handler(self, handler: Callable[[bytes], Awaitable[None]]) -> None:
        """Pass each event to ``handler``."""
        self._listening = self._network.master = Listening(self._program, handler)
        self.on_recv_task = self._listening.reading

    async def fire_event_async(self, data: Any, tag: str) -> None:
        """Put an announcement on the bus."""
        self._announced.append((tag, data))

    def destroy(self) -> None:
        """Disconnect."""
        if self._network.master is self._listening:
            self._network.master = None
