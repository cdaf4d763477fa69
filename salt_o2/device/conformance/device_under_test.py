"""The device under test: its process, its control channel and its data channels."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from salt_o2.core.states import ControlMode
from salt_o2.occ import fairmq_states as n
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.driver import wait_ready
from salt_o2.occ.fairmq import CONFIGURE
from salt_o2.occ.wire.replies import Reply, Trigger

PATIENCE_S = 20.0
"""Time limit of each required action of a device, in seconds. Generous, for loaded machines."""

PRINT_S = 10.0
"""Time in which a device prints its channels, in seconds."""
PRINTED = re.compile(r"(?P<name>[\w.-]+):\d+:-?\d+(:(?P<type>\w+))?")
"""A line that FairMQ prints for a channel: name, least and greatest number of sockets; ours has the type."""

PRINTED_ERROR = re.compile(r"\[(ERROR|FATAL)\] *(?P<text>\S.*)")
"""A line of FairMQ's logger, and of ours, about an error."""

STEPS = {move.source: move for move in CONFIGURE}


class Deviation(Exception):
    """A rule is violated. The text says what was observed."""


def expect(true: bool, otherwise: str) -> None:
    """Raise Deviation with the text ``otherwise`` unless ``true``."""
    if not true:
        raise Deviation(otherwise)


class Subject:
    """One started process of the tested command."""

    def __init__(self, process: subprocess.Popen[bytes], channel: OccChannel, output: Path) -> None:
        """Store the process, the channel to its control port, and its output file."""
        self.process, self.channel, self.output = process, channel, output

    async def ready(self) -> None:
        """Wait until the device is IDLE."""
        waiting = wait_ready(self.channel, ControlMode.FAIRMQ, self._is_ours, PATIENCE_S)
        dying = asyncio.to_thread(self.process.wait)
        outcome = asyncio.ensure_future(waiting)
        death = asyncio.ensure_future(dying)
        await asyncio.wait({outcome, death}, return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done():
            outcome.cancel()
            code = self.process.returncode
            raise Deviation(f"it ended with {code} before it was IDLE: {self.last_words()}")
        failure = outcome.result().failure
        expect(failure is None, f"{failure and failure.reason}: {self.last_words()}")

    async def state(self) -> str:
        """Request the state of the device."""
        return (await self.channel.get_state(PATIENCE_S)).state

    async def step(self, source: str, event: str, arguments: Mapping[str, str] | None = None) -> Reply:
        """Request one step and return the reply."""
        return await self.channel.transition(source, event, arguments or {}, PATIENCE_S)

    async def go(
        self, source: str, event: str, target: str, arguments: Mapping[str, str] | None = None
    ) -> None:
        """Request one step that must lead to ``target``."""
        reply = await self.step(source, event, arguments)
        wanted = Reply(True, Trigger.EXECUTOR, target, event)
        expect(reply == wanted, f"{event} in {source} was answered by {reply}: {self.last_words()}")

    async def configure(self, properties: Mapping[str, str], until: str = n.READY) -> None:
        """Take the device from IDLE to READY, or to the state ``until``."""
        state = n.IDLE
        while state != until:
            move = STEPS[state]
            await self.go(state, move.event, move.target, properties if state == n.IDLE else {})
            state = move.target

    async def code(self) -> int:
        """Wait for the exit and return the exit code; negative: number of the ending signal."""
        try:
            return await asyncio.to_thread(self.process.wait, PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Deviation(f"it did not end within {PATIENCE_S:.0f} s: {self.last_words()}") from None

    async def ends(self, code: int) -> None:
        """Wait for the exit and require the exit code ``code``."""
        found = await self.code()
        expect(found == code, f"it ended with {found} and not with {code}: {self.last_words()}")

    def last_words(self) -> str:
        """Return the end of the device's output."""
        lines = self.lines()[-3:]
        return "its output ends with: " + " / ".join(lines) if lines else "it has printed nothing"

    def lines(self) -> list[str]:
        """Return the lines that the device has printed."""
        return self.output.read_text(errors="replace").splitlines()

    def error(self) -> str:
        """Return the last error that the device has printed; empty if it printed none."""
        found = [each for line in self.lines() if (each := PRINTED_ERROR.search(line))]
        return found[-1]["text"] if found else ""

    def _is_ours(self, pid: int) -> bool:
        try:
            return os.getpgid(pid) == self.process.pid
        except ProcessLookupError:
            return False


class Trial:
    """Start the command as often as a rule needs, and clean up afterwards."""

    def __init__(self, command: Sequence[str], codec: str, channels: Mapping[str, str] | None = None) -> None:
        """Prepare a trial with ``channels``, by name with their types. Start nothing yet."""
        self.command, self.codec = list(command), codec
        self.channels = dict(channels or declared_channels(command) or usual_channels(command))
        self._folder = tempfile.TemporaryDirectory(prefix="o2-conformance-")
        self._subjects: list[Subject] = []
        self._files: list[IO[bytes]] = []

    async def start(self, *extra: str, port: int = 0, env: Mapping[str, str] | None = None) -> Subject:
        """Start the command and wait until it is IDLE."""
        subject = self.launch(*extra, port=port, env=env)
        await subject.ready()
        return subject

    def launch(self, *extra: str, port: int = 0, env: Mapping[str, str] | None = None) -> Subject:
        """Start the command as an agent does. ``port`` is the control port."""
        port = port or free_port()
        output = Path(self._folder.name) / f"output.{len(self._subjects)}"
        self._files.append(output.open("wb"))
        process = subprocess.Popen(
            [*self.command, *self._usual_arguments(port), *extra],
            stdin=subprocess.DEVNULL,
            stdout=self._files[-1],
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "OCC_CONTROL_PORT": str(port), **(env or {})},
        )
        subject = Subject(process, OccChannel(port, self.codec), output)
        self._subjects.append(subject)
        return subject

    def properties(self, addresses: Mapping[str, str] | None = None, bind: bool = True) -> dict[str, str]:
        """Return the properties of CONFIGURE. A channel without an address gets an abstract one."""
        found: dict[str, str] = {"environment_id": "2oDvieFrVTi"}
        for name, kind in self.channels.items():
            address = (addresses or {}).get(name, self.address(name))
            found |= channel_properties(name, kind, "bind" if bind else "connect", address)
        return found

    def address(self, name: str) -> str:
        """Return a unique abstract ipc address for a channel."""
        return f"ipc://@{Path(self._folder.name).name}-{name}"

    @property
    def folder(self) -> Path:
        """Return the folder for files of this trial."""
        return Path(self._folder.name)

    async def clean_up(self) -> None:
        """Stop all started processes."""
        for subject in self._subjects:
            if subject.process.poll() is None:
                with suppress(ProcessLookupError):  # the process may have ended already
                    os.killpg(subject.process.pid, signal.SIGKILL)
            await asyncio.to_thread(subject.process.wait)
            await subject.channel.close()
        for file in self._files:
            file.close()
        self._folder.cleanup()

    async def printed_channels(self) -> list[tuple[str, str]]:
        """Return the channels that the device prints on request, each with its type, or an empty one."""
        device = self.launch("--print-channels")
        try:
            await asyncio.to_thread(device.process.wait, PRINT_S)
        except subprocess.TimeoutExpired:
            return []  # the device does not know the option, and has started
        found = (
            PRINTED.fullmatch(line.strip()) for line in device.output.read_text(errors="replace").splitlines()
        )
        return [(each["name"], each["type"] or "") for each in found if each]

    def _usual_arguments(self, port: int) -> list[str]:
        given = [] if "-P" in " ".join(self.command).split() else ["-P", self.codec]
        session = Path(self._folder.name).name
        return [
            "--id",
            "trial",
            "--session",
            session,
            *given,
            "--color",
            "false",
            "--control-port",
            str(port),
        ]


def channel_properties(name: str, kind: str, method: str, address: str) -> dict[str, str]:
    """Return the properties of a channel with one socket, in the form in which they are pushed."""
    settings = {"address": address, "method": method, "type": kind, "transport": "default"}
    numbers = dict.fromkeys(("rateLogging", "rcvKernelSize", "sndKernelSize"), "0")
    buffers = dict.fromkeys(("rcvBufSize", "sndBufSize"), "1000")
    bound = {"autoBind": "0"} if method == "bind" else {}
    all_settings = settings | numbers | buffers | bound
    return {f"chans.{name}.numSockets": "1"} | {f"chans.{name}.0.{k}": v for k, v in all_settings.items()}


def declared_channels(command: Sequence[str]) -> dict[str, str]:
    """Return name and type of each channel in the command's ``--channel-config``."""
    found = {}
    for word in " ".join(command).replace("--channel-config=", "--channel-config ").split():
        fields = dict(part.partition("=")[::2] for part in word.split(","))
        if "name" in fields and "type" in fields:
            found[fields["name"]] = fields["type"]
    return found


def usual_channels(command: Sequence[str]) -> dict[str, str]:
    """Return the usual channels of this kind of device, as in FairMQ's examples and in ours."""
    words = " ".join(command)
    if "copypush" in words:
        return {"data": "push" if "sampler" in words else "pull"}
    for kind, channels in USUAL.items():
        if kind in words:
            return channels
    return {"data": "push"}


USUAL = {
    "sampler": {"data1": "push"},
    "processor": {"data1": "pull", "data2": "push"},
    "dispatcher": {"data1": "pull", "data2": "push"},
    "sink": {"data2": "pull"},
}


def free_port() -> int:
    """Return a port of this machine on which no process listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
