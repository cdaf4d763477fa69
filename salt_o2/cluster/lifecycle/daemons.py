"""How Salt's daemons end.

Each daemon is the leader of a session of its own, and its children stay in it. Asked to end, a minion first
sleeps five seconds, in case somebody still wants to tell it something, and only then passes the request on
(`salt/minion.py`, `MinionManager.stop_async`). So the leaders are stopped, which keeps them from starting
their children anew; the children, engines among them, are asked to end and do so in order; and then there
is nothing left for the leaders to do.
"""

import signal
from collections.abc import Sequence

from salt_o2.cluster.processes import Process, members, wait_until_gone


def end_daemons(daemons: Sequence[Process], patience_s: float) -> None:
    """End all: ask their children, wait at most ``patience_s`` for them, then kill what is left."""
    for daemon in daemons:
        daemon.send(signal.SIGSTOP)
    children = _children(daemons)
    for child in children:
        child.send(signal.SIGTERM)
        child.send(signal.SIGCONT)  # a stopped process would not hear it
    wait_until_gone(children, patience_s)
    rest = [*daemons, *_children(daemons)]
    for one in rest:
        one.send(signal.SIGKILL)
    wait_until_gone(rest, patience_s)


def _children(daemons: Sequence[Process]) -> list[Process]:
    return [child for daemon in daemons for child in members(daemon)]
