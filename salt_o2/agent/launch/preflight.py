"""Checks before a process is started: a launch that cannot work is refused with the reason."""

import errno
import os
from collections.abc import Collection, Iterable, Mapping

from salt_o2.agent.launch import environment_variables
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.core.plan.launch import Launch
from salt_o2.core.tasks.next_action import CONTROLLED
from salt_o2.linux.kernel import LINUX, Kernel


class PortsTaken(Refusal):
    """A launch refused because of its ports; ``ports`` are all ports known to be in use."""

    def __init__(self, reason: str, advice: str, ports: Iterable[int]) -> None:
        self.ports = tuple(ports)
        super().__init__(reason, advice)


def check_command(launch: Launch, env: Mapping[str, str], kernel: Kernel = LINUX) -> list[str]:
    """Return the program and its arguments; the program exists and is executable.

    Raises:
        Refusal: the program does not exist.
    """
    if launch.shell:
        return ["/bin/sh", "-c", launch.command_line]
    program = kernel.find_program(launch.value, env.get("PATH"))
    if program is None:
        raise Refusal(
            f"no executable program {launch.value!r} on this host",
            f"install it, or correct command.value; looked in {env.get('PATH')}",
        )
    return [os.path.abspath(program), *launch.arguments]  # noqa: PTH100


def check_launch(launch: Launch) -> None:
    """Ensure that ``launch`` is valid.

    Raises:
        Refusal: the launch is invalid.
    """
    ports = (*launch.ports, *(() if launch.control_port is None else (launch.control_port,)))
    if any("=" not in entry or entry.startswith("=") for entry in launch.env):
        raise Refusal(f"command.env has an entry that is not NAME=VALUE: {launch.env}", "correct command.env")
    names = [entry.partition("=")[0] for entry in launch.env]
    if odd := [name for name in names if not environment_variables.can_be_set(name)]:
        raise Refusal(f"no shell can set the variable {odd[0]!r}", "correct its name in command.env")
    if any("\0" in text for text in (launch.value, *launch.arguments, *launch.env)):
        raise Refusal("the command or its environment contains a NUL character", "correct the task template")
    if launch.mode in CONTROLLED and launch.control_port is None:
        raise Refusal(f"a {launch.mode} task needs a control port, and has none", "send a launch with one")
    if any(not 0 < port < 65536 for port in ports):
        raise Refusal(f"not all of these are TCP ports: {ports}", "take ports from 1024 to 65535")


def check_ports(
    ports: Collection[int],
    claims: Mapping[int, str],
    ranges: Iterable[tuple[int, int]] = (),
    kernel: Kernel = LINUX,
) -> None:
    """Ensure that each of ``ports`` is free; ``claims`` has the ports of this agent's other tasks.

    The check binds each port without SO_REUSEPORT. The C++ OCC server uses SO_REUSEPORT, so two devices could
    share a port. The refusal names all ports of ``ranges`` that other programs use, so that control plans
    without them.

    Raises:
        PortsTaken: a program or another task uses one of the ports.
        Refusal: a port cannot be bound for another reason.
    """
    for port in ports:
        if port in claims:
            owner = f"port {port} belongs to task {claims[port]}"
            raise PortsTaken(owner, "give each task its own ports", _all_taken(ports, claims, ranges, kernel))
        if _is_in_use(port, kernel):
            program = kernel.listener(port) or "an unknown program"
            advice = "stop it, or take the port out of the plan's range"
            used_ports = {port, *_all_taken(ports, claims, ranges, kernel)}
            raise PortsTaken(f"port {port} is in use by {program}", advice, sorted(used_ports))


def _all_taken(
    ports: Collection[int], claims: Mapping[int, str], ranges: Iterable[tuple[int, int]], kernel: Kernel
) -> list[int]:
    """Return those of ``ports`` in use elsewhere, and those of ``ranges`` that other owners' programs use."""
    listening = kernel.listening_ports()
    own = [port for port in ports if port in claims or port in listening]
    others = [p for low, high in ranges for p in listening if low <= p <= high and p not in claims]
    return sorted({*own, *others})


def _is_in_use(port: int, kernel: Kernel) -> bool:
    error = kernel.port_error(port)
    if error is None or error.errno == errno.EADDRINUSE:
        return error is not None
    raise Refusal(f"port {port} cannot be bound: {error.strerror}", "take a port from 1024 up")
