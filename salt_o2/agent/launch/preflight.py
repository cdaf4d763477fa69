"""What is looked at before a process is started, so that what cannot work is refused with the reason."""

import errno
import os
import shutil
import socket
from collections.abc import Collection, Iterable, Mapping

from salt_o2.agent.launch import environment_variables
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.core.plan.launch import Launch
from salt_o2.core.tasks.next_action import CONTROLLED
from salt_o2.linux import procfs


class PortsTaken(Refusal):
    """A launch that was not tried because of its ports; ``ports`` are all that are known to be in use."""

    def __init__(self, reason: str, advice: str, ports: Iterable[int]) -> None:
        self.ports = tuple(ports)
        super().__init__(reason, advice)


def check_command(launch: Launch, env: Mapping[str, str]) -> list[str]:
    """Return the program and its arguments, found and executable.

    Raises:
        Refusal: there is no such program.
    """
    if launch.shell:
        return ["/bin/sh", "-c", launch.command_line]
    program = shutil.which(launch.value, path=env.get("PATH"))
    if program is None:
        raise Refusal(
            f"no executable program {launch.value!r} on this host",
            f"install it, or correct command.value; looked in {env.get('PATH')}",
        )
    return [os.path.abspath(program), *launch.arguments]  # noqa: PTH100


def check_launch(launch: Launch) -> None:
    """Make sure that ``launch`` can mean anything at all.

    Raises:
        Refusal: it cannot.
    """
    ports = (*launch.ports, *(() if launch.control_port is None else (launch.control_port,)))
    if any("=" not in entry or entry.startswith("=") for entry in launch.env):
        raise Refusal(f"command.env has an entry that is not NAME=VALUE: {launch.env}", "correct command.env")
    names = [entry.partition("=")[0] for entry in launch.env]
    if odd := [name for name in names if not environment_variables.can_be_set(name)]:
        raise Refusal(f"no shell can set the variable {odd[0]!r}", "correct its name in command.env")
    if any("\0" in text for text in (launch.value, *launch.arguments, *launch.env)):
        raise Refusal("the command or its environment has a NUL character in it", "correct the task template")
    if launch.mode in CONTROLLED and launch.control_port is None:
        raise Refusal(f"a {launch.mode} task needs a control port, and has none", "send a launch with one")
    if any(not 0 < port < 65536 for port in ports):
        raise Refusal(f"not all of these are TCP ports: {ports}", "take ports from 1024 to 65535")


def check_ports(
    ports: Collection[int], claims: Mapping[int, str], ranges: Iterable[tuple[int, int]] = ()
) -> None:
    """Make sure that nobody on this host has one of ``ports``; ``claims`` has those of our other tasks.

    Bound here without SO_REUSEPORT, which the C++ OCC server uses: two devices would share the port. The
    refusal names all ports of ``ranges`` that other programs have, so that control plans with none of them.

    Raises:
        PortsTaken: a program or another task has one.
        Refusal: one cannot be bound for another reason.
    """
    for port in ports:
        if port in claims:
            owner = f"port {port} belongs to task {claims[port]}"
            raise PortsTaken(owner, "give each task ports of its own", _all_taken(ports, claims, ranges))
        if _taken(port):
            who = procfs.listener(port) or "somebody"
            advice = "stop it, or take the port out of the plan's range"
            taken = {port, *_all_taken(ports, claims, ranges)}
            raise PortsTaken(f"port {port} is in use by {who}", advice, sorted(taken))


def _all_taken(
    ports: Collection[int], claims: Mapping[int, str], ranges: Iterable[tuple[int, int]]
) -> list[int]:
    """Return which of ``ports`` are in use by others, and which of ``ranges`` by programs of other owners."""
    listening = procfs.listening_ports()
    own = [port for port in ports if port in claims or port in listening]
    others = [p for low, high in ranges for p in listening if low <= p <= high and p not in claims]
    return sorted({*own, *others})


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection is nobody
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise Refusal(
                f"port {port} cannot be bound: {error.strerror}", "take a port from 1024 up"
            ) from None
    return False
