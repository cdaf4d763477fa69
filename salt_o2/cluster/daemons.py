"""How Salt's daemons end.

Each daemon is the leader of a session of its own, and its children stay in it. A minion that was asked to end
passes that on to its children at once and then sleeps five seconds, in case somebody still wants to tell it
something (`salt/minion.py`, `MinionManager.stop`); nobody does here.
"""

import signal
import time
from collections.abc import Sequence

from salt_o2.cluster.process import Process, members, wait_until_gone

_POLL_S = 0.05


def end_daemons(daemons: Sequence[Process], patience_s: float) -> None:
    """End all: ask, wait at most ``patience_s`` for their children to end, then kill what is left."""
    for daemon in daemons:
        daemon.send(signal.SIGTERM)
        daemon.send(signal.SIGCONT)  # a stopped process would not hear it
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and any(members(daemon.pid) for daemon in daemons):
        time.sleep(_POLL_S)
    rest = [*daemons, *(member for daemon in daemons for member in members(daemon.pid))]
    for one in rest:
        one.send(signal.SIGKILL)
    wait_until_gone(rest, patience_s)
