"""Compute the data flow of a workflow as a graph: tasks on hosts, addresses outside, arrows to receivers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from salt_o2.core.plan.channel_resolution import names_of
from salt_o2.core.plan.channels import EXPLICIT, GLOBAL, Channel, ConnectedChannel
from salt_o2.core.states import ControlMode
from salt_o2.workflow.expansion.workflow_tree import Role, TaskRole, Workflow

_SENDING = ("push", "pub")
_HOST = ("machine_id", "hostname")
"""Attributes whose value is the name of one host."""


class Port(NamedTuple):
    """One channel of a box, as it is drawn."""

    name: str
    label: str
    sends: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A task, or a place outside the workflow that a channel names."""

    name: str
    """The path of the role, or the target of the channel."""
    title: str
    subtitle: str
    host: str = ""
    """The host that the constraints name; empty if they leave the choice to the scheduler."""
    ports: tuple[Port, ...] = ()
    is_outside: bool = False


class Arrow(NamedTuple):
    """A channel by which one box sends messages to another; a port is empty at a place outside."""

    sender: str
    receiver: str
    channel: str
    sending_port: str = ""
    receiving_port: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """The data flow of one workflow."""

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    left_out: str
    """The roles that take no part in the data flow, counted."""


def graph_of(workflow: Workflow) -> Graph:
    """Return the data flow of ``workflow``: hooks and calls are counted, not drawn."""
    tasks = [task for task in workflow.tasks if task.mode is not ControlMode.HOOK]
    bound = {
        name: (task.path, each.name)
        for task in tasks
        for each in task.bind
        for name in names_of(task.path, each)
    }
    for task in tasks:
        for each in task.bind:
            bound.setdefault(f"{task.written_path}:{each.name}", (task.path, each.name))
    places: dict[str, Box] = {}
    arrows = tuple(_arrow(task, each, bound, places) for task in tasks for each in task.connect)
    numbers = {
        "hook": len(workflow.tasks) - len(tasks),
        "call": len(workflow.calls),
        "role that is left open": _left_open(workflow.root),
    }
    counted = [
        f"{number} {_plural(kind) if number > 1 else kind}" for kind, number in numbers.items() if number
    ]
    return Graph(
        workflow.name,
        (*_boxes(tasks), *places.values()),
        arrows,
        f"not drawn: {', '.join(counted)}" if counted else "",
    )


def _plural(kind: str) -> str:
    return "roles that are left open" if " " in kind else f"{kind}s"


def _left_open(role: Role) -> int:
    """Return how many of the roles below ``role`` depend on values that are not known here."""
    return bool(role.left_open) + sum(map(_left_open, role.roles))


def _boxes(tasks: list[TaskRole]) -> Iterator[Box]:
    hosts = {task.path: _host_of(task) for task in tasks}
    above = {host: _common([path for path in hosts if hosts[path] == host]) for host in hosts.values()}
    for task in tasks:
        host = hosts[task.path]
        ports = tuple(sorted((_port(each) for each in (*task.bind, *task.connect)), key=_sends))
        yield Box(task.path, task.path.removeprefix(above[host]), task.class_name, host, ports)


def _sends(port: Port) -> bool:
    return port.sends


def _host_of(task: TaskRole) -> str:
    named = [each.value for each in task.constraints if each.attribute in _HOST]
    return named[-1] if named else ""


def _common(paths: list[str]) -> str:
    """Return the beginning of all ``paths`` that their titles need not repeat, with its last dot."""
    parts = [path.split(".")[:-1] for path in paths]
    shared: list[str] = []
    for names in zip(*parts, strict=False):
        if len(set(names)) > 1:
            break
        shared.append(names[0])
    return "".join(f"{name}." for name in shared)


def _port(channel: Channel) -> Port:
    alias, target = getattr(channel, "alias", ""), getattr(channel, "target", "")
    fixed = target if target and not isinstance(channel, ConnectedChannel) else ""
    label = " ".join(filter(None, (channel.name, f"{GLOBAL}{alias}" if alias else "", fixed)))
    return Port(channel.name, label, channel.type in _SENDING)


def _outside(target: str, host: str) -> Box:
    """Return the box of a place outside. Each host has its own, so that its row stays a row."""
    name = f"{target} from {host}" if host else target
    if target.startswith(EXPLICIT):
        return Box(name, target, "address", is_outside=True)
    kind = "global channel of another workflow" if target.startswith(GLOBAL) else "no role here binds it"
    return Box(name, target, kind, is_outside=True)


def _arrow(
    task: TaskRole,
    channel: ConnectedChannel,
    bound: dict[str, tuple[str, str]],
    places: dict[str, Box],
) -> Arrow:
    """Return the arrow of ``channel``; a place outside that it names is added to ``places``."""
    if channel.target in bound:
        peer, port = bound[channel.target]
    else:
        place = _outside(channel.target, _host_of(task))
        places.setdefault(place.name, place)
        peer, port = place.name, ""
    if channel.type in _SENDING:
        return Arrow(task.path, peer, channel.name, channel.name, port)
    return Arrow(peer, task.path, channel.name, port, channel.name)
