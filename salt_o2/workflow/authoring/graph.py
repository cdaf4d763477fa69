"""Compute the data flow of a workflow as a graph: roles are boxes, channels arrows to the receiver."""

from typing import NamedTuple

from salt_o2.core.plan.channel_resolution import names_of
from salt_o2.core.plan.channels import ConnectedChannel
from salt_o2.workflow.expansion.workflow_tree import Workflow

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 44, 110, 18, 20
_SENDING = ("push", "pub")


class Arrow(NamedTuple):
    """A channel by which one role sends messages to another."""

    sender: str
    receiver: str
    channel: str


def arrows(workflow: Workflow) -> list[Arrow]:
    """Return the arrows of ``workflow``; channels to addresses outside the workflow are omitted."""
    bound = {
        name: task.path for task in workflow.tasks for each in task.bind for name in names_of(task.path, each)
    }
    found = []
    for task in workflow.tasks:
        for channel in task.connect:
            if channel.target in bound:
                found.append(_arrow(task.path, bound[channel.target], channel))
    return found


def _arrow(path: str, peer: str, channel: ConnectedChannel) -> Arrow:
    sends = channel.type in _SENDING
    return Arrow(path, peer, channel.name) if sends else Arrow(peer, path, channel.name)
