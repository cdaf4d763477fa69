"""A model of the network: Salt's two channels between master and minions, jobs, and TCP probes.

Messages of one connection keep their order, as on TCP; those of different hosts do not. A publication may be
lost or come twice, a request may time out although the master has taken it, a job comes when it comes. A
link may be cut in one direction or in both.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.kernel import SimulatedKernel
from salt_o2.simulation.machine.process import Program

DELAY_S = 0.004
JOB_S = 0.4
"""Mean delays of a message and of a Salt job."""
PROBE_S = 0.003
SIGN_IN_LIMIT_S, SLOW_SIGN_IN_S, SLOW_SIGN_INS = 3.0, 2.0, 0.2
"""When a sign-in is given up, the mean time of a slow one, and how many are slow."""
RECENT = 200
"""Messages that can be sent again."""
ORDER_S = 1e-6
"""Least time between two messages of one connection."""
TARGET = "o2/"


class MasterAway(OSError):
    """The master did not take a request in time."""


@dataclass(slots=True)
class Link:
    """The connection between one host and the master."""

    loss: float = 0.0
    """Probability that a publication is lost."""
    duplication: float = 0.0
    slow: float = 1.0
    """Factor of all delays."""
    is_down_cut: bool = False
    """Whether nothing comes from the master to the host."""
    is_up_cut: bool = False
    down_at: float = 0.0
    """When the last message arrived: a later one does not overtake it."""
    up_at: float = 0.0


class Listening:
    """The end of a connection in a program: it reads one message after the other."""

    def __init__(self, program: Program, receive: Callable[[Any], Awaitable[None]]) -> None:
        """Pass each message to ``receive``; ``reading`` is the task that does."""
        self.program, self._receive = program, receive
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self.reading = program.start(self._read(), "Salt reads messages")

    def put(self, message: Any) -> None:
        """Let a message arrive."""
        if self.program.alive:
            self._queue.put_nowait(message)

    async def _read(self) -> None:
        while True:
            await self._receive(await self._queue.get())


@dataclass(slots=True)
class Network:
    """All links, and what listens at their ends."""

    loop: VirtualLoop
    rng: Random
    links: dict[str, Link] = field(default_factory=dict)
    agents: dict[str, list[Listening]] = field(default_factory=dict)
    """Agents by host; a copy of a minion is a second one under the same name."""
    master: Listening | None = None
    """The control that hears events; ``None`` while no master runs."""
    is_master_away: bool = False
    deliver_job: Callable[[str, Mapping[str, Any]], None] = lambda _host, _body: None
    kernels: dict[str, SimulatedKernel] = field(default_factory=dict)
    """The kernel of each address."""
    cut_addresses: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    recent: deque[tuple[str, Any]] = field(default_factory=lambda: deque(maxlen=RECENT))
    """The last messages, as an attacker records them: a host and a publication, or nothing and an event."""
    outside: contextvars.Context = field(default_factory=contextvars.Context)

    def count(self, what: str) -> None:
        """Count one event of this kind."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def _delay(self, link: Link, mean_s: float = DELAY_S) -> float:
        return self.rng.expovariate(1.0 / mean_s) * link.slow

    # --- master to hosts ------------------------------------------------------------------------

    def publish(self, load: dict[str, Any]) -> None:
        """Send a publication to all agents that it names."""
        everywhere = f"{TARGET}*" in load["tgt"]
        for host, listening in self.agents.items():
            if everywhere or TARGET + host in load["tgt"]:
                for one in listening:
                    self._send_down(self.links[host], one, load)

    def send_again(self, rng: Random) -> None:
        """Send one of the last messages again, as a minion can that has recorded it."""
        if not self.recent:
            return
        host, message = rng.choice(self.recent)
        if host:
            for one in self.agents.get(host, []):
                one.put({"load": message})
        else:
            self._arrive(message)

    def forge(self, host: str, load: Any) -> None:
        """Let a publication reach the agents of ``host`` that control has not sent."""
        for one in self.agents.get(host, []):
            one.put({"load": load})

    def _send_down(self, link: Link, to: Listening, load: dict[str, Any]) -> None:
        if link.is_down_cut or self.is_master_away or self.rng.random() < link.loss:
            self.count("publications lost")
            return
        self.recent.append((to.program.name.rpartition(" ")[2], load))
        twice = self.rng.random() < link.duplication
        for _ in range(2 if twice else 1):
            link.down_at = max(link.down_at + ORDER_S, self.loop.time() + self._delay(link))
            self._call_at(link.down_at, to.put, {"load": load})

    def job(self, host: str, arguments: Mapping[str, str]) -> None:
        """Start ``o2.deliver`` on a host, some time later."""
        link = self.links.get(host)
        if link is None or link.is_down_cut or self.is_master_away:
            self.count("jobs lost")
            return
        self._call_at(self.loop.time() + self._delay(link, JOB_S), self.deliver_job, host, arguments)

    # --- hosts to master ------------------------------------------------------------------------

    async def sign_in(self, host: str) -> None:
        """Sign a host in to the master, which sometimes takes seconds.

        Raises:
            MasterAway: the master does not answer.
        """
        link = self.links[host]
        if link.is_up_cut or link.is_down_cut or self.is_master_away:
            await asyncio.sleep(SIGN_IN_LIMIT_S)
            raise MasterAway("Sign-in timed out")
        slow = self.rng.random() < SLOW_SIGN_INS
        await asyncio.sleep(self._delay(link, SLOW_SIGN_IN_S if slow else DELAY_S))

    async def request(self, host: str, load: dict[str, Any], timeout_s: float) -> None:
        """Put an event of ``host`` on the master's bus.

        Raises:
            MasterAway: the master does not take it within ``timeout_s`` seconds; it may have it all the same.
        """
        link = self.links[host]
        if link.is_up_cut or self.is_master_away:
            await asyncio.sleep(timeout_s)
            raise MasterAway("Message timed out")
        link.up_at = max(link.up_at + ORDER_S, self.loop.time() + self._delay(link))
        event = Event(load["tag"].encode(), load["data"])
        self.recent.append(("", event))
        self._call_at(link.up_at, self._arrive, event)
        answer_s = link.up_at - self.loop.time() + self._delay(link)
        if link.is_down_cut or answer_s > timeout_s:
            await asyncio.sleep(timeout_s)
            raise MasterAway("Message timed out")
        await asyncio.sleep(answer_s)

    def _arrive(self, event: "Event") -> None:
        if self.master is not None:
            self.master.put(event)

    def _call_at(self, when: float, callback: Callable[..., None], *arguments: Any) -> None:
        """Call ``callback`` outside of all programs: the end of a sender does not stop its message."""
        self.loop.call_at(when, callback, *arguments, context=self.outside.copy())

    # --- probes ---------------------------------------------------------------------------------

    async def connect(self, protocol_factory: Callable[[], Any], address: str, port: int) -> Any:
        """Open a TCP connection to a process of a host.

        Raises:
            ConnectionRefusedError: no process listens there.
        """
        await asyncio.sleep(self.rng.expovariate(1.0 / PROBE_S))
        kernel = self.kernels.get(address)
        if kernel is None or not kernel.is_up or address in self.cut_addresses:
            await self.loop.create_future()
        assert kernel is not None
        process = kernel.ports.get(port)
        if process is None:
            raise ConnectionRefusedError(111, "Connection refused")
        protocol = protocol_factory()
        transport = _Connection(self.loop, protocol)
        protocol.connection_made(transport)
        if not process.is_stopped:
            self.loop.call_later(self.rng.expovariate(1.0 / PROBE_S), transport.feed, b"\0")
        return transport, protocol


class Event(bytes):
    """An event of the master's bus: the tag, with the data beside it."""

    data: Any

    def __new__(cls, tag: bytes, data: Any) -> "Event":
        """Return an event."""
        made = super().__new__(cls, tag)
        made.data = data
        return made


class _Connection(asyncio.Transport):
    """The client's end of a connection on which the server sends first."""

    def __init__(self, loop: VirtualLoop, protocol: Any) -> None:
        super().__init__()
        self._loop, self._protocol, self._is_closed = loop, protocol, False

    def feed(self, data: bytes) -> None:
        if not self._is_closed:
            self._protocol.data_received(data)

    def is_closing(self) -> bool:
        return self._is_closed

    def abort(self) -> None:
        self.close()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.call_soon(self._protocol.connection_lost, None)

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default
