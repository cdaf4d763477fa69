"""The command ``o2-device KIND [OPTIONS]``: start one device and run until it exits.

KIND is ``sampler``, ``processor``, ``sink``, ``dispatcher``, or ``module:Class`` of a user's own device.
The control channel opens as early as possible. Modules that it does not need are loaded afterwards.
"""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device import command_line
from salt_o2.device.base import Device
from salt_o2.device.console import Output, write_lines_at_once
from salt_o2.device.control.occ_adapter import Controlled
from salt_o2.device.control.requests import Request, Shutdown
from salt_o2.device.control.state_board import Board
from salt_o2.device.control.transitions import UP
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.signals import listen
from salt_o2.device.state_actions import Work
from salt_o2.occ.wire.server_codec import Asked

if TYPE_CHECKING:
    # A device loads a server only if its command line asks for one.
    from salt_o2.device.control.liveness_port import LivenessPort
    from salt_o2.occ.server import OccServer

KINDS = {
    "sampler": "salt_o2.device.kinds.sampler:Sampler",
    "processor": "salt_o2.device.kinds.processor:Processor",
    "sink": "salt_o2.device.kinds.sink:Sink",
    "dispatcher": "salt_o2.device.kinds.dispatcher:Dispatcher",
}
GRACE_S = 1.0
USAGE = f"usage: o2-device {{{','.join(KINDS)},MODULE:CLASS}} [OPTIONS]; o2-device KIND --help lists them"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one device. Return 0 after END or a signal, 1 after an error (also of the command line)."""
    write_lines_at_once()
    found = list(sys.argv[1:] if arguments is None else arguments)
    if not found or found[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if found else 1
    try:
        return _live(device_class(found[0]), found)
    except (InvalidRequestError, OSError) as error:
        print(f"o2-device {found[0]}: {error}", flush=True)
        return 1


def device_class(kind: str) -> type[Device]:
    """Return the class that ``kind`` names. The working directory is searched for modules, too.

    Raises:
        InvalidRequestError: if there is no such class.
    """
    module, colon, name = KINDS.get(kind, kind).partition(":")
    if not colon:
        raise InvalidRequestError(f"unknown kind of device. {USAGE}")
    if "" not in sys.path:
        sys.path.append("")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise InvalidRequestError(f"cannot load it: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Device)):
        raise InvalidRequestError(f"{module}:{name} is not derived from salt_o2.device.Device")
    return found


def _live(kind: type[Device], arguments: Sequence[str]) -> int:
    chosen = command_line.parse(arguments[1:], kind.options, f"o2-device {arguments[0]}")
    if chosen.print_channels:
        print(command_line.printed_channels(kind.endpoints), flush=True)
        return 0
    properties = command_line.properties_of(chosen)
    inbox: Inbox[Request | Shutdown] = Inbox()
    board, output = Board(), Output(chosen.severity)
    listen(lambda: inbox.put(Shutdown()))
    servers = _serve(inbox, board, chosen, output)
    work = Work(kind(properties, inbox, output), properties, inbox)
    try:
        from salt_o2.device.main_loop import MainLoop

        importlib.import_module("zmq")
        return MainLoop(work, inbox, board, output).run()
    finally:
        for each in servers:
            each.stop(GRACE_S)
        work.close()


def _serve(
    inbox: Any, board: Board, chosen: Any, output: Output
) -> "tuple[()] | tuple[OccServer] | tuple[OccServer, LivenessPort]":
    """Open the control channel. Without a plugin, go to RUNNING automatically."""
    codec = command_line.codec_of(chosen.plugin)
    if codec is None:
        Thread(target=_go_up, args=(Controlled(inbox, board),), daemon=True).start()
        return ()
    port, addresses = command_line.control_port(chosen.control_port), command_line.control_addresses()
    if (path := command_line.control_socket()) is not None:
        return _serve_privately(Controlled(inbox, board), port, codec, addresses, path, output)
    from salt_o2.occ.server import OccServer

    server = OccServer(Controlled(inbox, board), port, codec, addresses)
    server.start()
    output.debug(f"{codec} listening on port {server.port}")
    return (server,)


def _serve_privately(
    device: Controlled, port: int, codec: str, addresses: list[str], path: Path, output: Output
) -> "tuple[OccServer, LivenessPort]":
    """Accept requests at a Unix socket only; the port at ``addresses`` only shows that the device runs."""
    from salt_o2.device.control.liveness_port import LivenessPort
    from salt_o2.occ.control_socket import ServedSocket
    from salt_o2.occ.server import OccServer

    server = OccServer(device, port, codec, private=ServedSocket(path))
    server.start()
    output.debug(f"{codec} listening at {path}")
    alive = LivenessPort(port, addresses)
    for taken in alive.refused:
        output.warn(f"control cannot see whether this device runs: another process has {taken}")
    return server, alive


def _go_up(device: Controlled) -> None:
    """Act as the controller: request all steps to RUNNING, until one fails."""
    for step in UP:
        if not device.transition(Asked(device.state().state, step, {})).ok:
            return
