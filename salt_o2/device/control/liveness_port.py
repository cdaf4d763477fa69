"""A port that shows that this process runs, and accepts no request.

Control probes the ports of tasks before it declares a host lost (docs/decisions/0026). The probe reads one
byte. A device whose control channel is a Unix socket sends that byte here.
"""

import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from threading import Thread

from salt_o2.occ.server import is_address_here

TEXT = b"this device runs; it accepts requests at its control socket only\n"
WAITING = 16
PAUSE_S = 0.1


class LivenessPort:
    """Sends a line to each client of the port and closes the connection. It never reads."""

    def __init__(self, port: int, addresses: Iterable[str]) -> None:
        """Listen at those of ``addresses`` that this machine has and that are free.

        A taken port does not end the device: control then probes other tasks of the host.
        """
        self.refused: list[str] = []
        """Addresses whose port another process has."""
        self._sockets: list[socket.socket] = []
        for address in dict.fromkeys(addresses):
            if is_address_here(address):
                self._listen(address, port)

    def _listen(self, address: str, port: int) -> None:
        listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(WAITING)
        except OSError as error:
            listener.close()
            self.refused.append(f"{address}:{port} ({error.strerror})")
            return
        self._sockets.append(listener)
        Thread(target=_answer, args=(listener,), daemon=True).start()

    def stop(self, grace_s: float = 0.0) -> None:  # noqa: ARG002
        """Stop listening, at once: no request is in progress."""
        for listener in self._sockets:
            # Closing alone does not end an accept in progress.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _answer(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            if listener.fileno() < 0:
                return
            # This process has no file left, or the client has gone.
            time.sleep(PAUSE_S)
            continue
        with client, suppress(OSError):
            client.setblocking(False)
            client.send(TEXT)
