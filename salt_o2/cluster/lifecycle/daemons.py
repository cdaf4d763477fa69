"""Stop Salt's daemons.

Each daemon leads its own session, and its children stay in it. On SIGTERM, a minion first sleeps five
seconds to receive last messages, and only then passes the signal on (`salt/minion.py`,
`MinionManager.stop_async`). Therefore the leaders are stopped with SIGSTOP, which keeps them from
restarting their children. The children, engines among them, get SIGTERM and exit in order. Then the leaders
have nothing left to do.
"""

import signal
from collections.abc import Sequence

from salt_o2.cluster.processes import Process, members, wait_until_gone


def end_daemons(daemons: Sequence[Process], patience_s: float) -> None:
    """End all daemons: ask their children, wait at most ``patience_s``, then kill the remaining processes."""
    for daemon in daemons:
        daemon.send(signal.SIGSTOP)
    children = _children(daemons)
    for child in children:
        child.send(signal.SIGTERM)
        child.send(signal.SIGCONT)  # a stopped process would not receive it
    wait_until_gone(children, patience_s)
    rest = [*daemons, *_children(daemons)]
    for one in rest:
        one.send(signal.SIGKILL)
    wait_until_gone(rest, patience_s)


def _children(daemons: Sequence[Process]) -> list[Process]:
    return [child for daemon in daemons for child in members(daemon)]
