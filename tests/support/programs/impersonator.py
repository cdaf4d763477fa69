"""A process of another account that answers in the place of a device: python impersonator.py PORT WORD UID.

It waits for a process with WORD on its command line, as each account can see, takes PORT before the device
does, and says that it is that process. It prints each step that it is asked for.
"""

import os
import sys
import time
from pathlib import Path

from salt_o2.occ.server import OccServer
from salt_o2.occ.wire.replies import DeviceState, RpcRefused


def process_with(word):
    """Return the pid of a process with ``word`` as an argument; ``None`` as long as there is none."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if word.encode() in words and int(path.parent.name) != os.getpid():
            return int(path.parent.name)
    return None


class Impersonator:
    """Answers as the process ``pid``."""

    def __init__(self, pid):
        self.pid = pid

    def state(self):
        return DeviceState("IDLE", self.pid)

    def transition(self, asked):
        print(asked, flush=True)
        raise RpcRefused("it is seen", "FAILED_PRECONDITION")

    def subscribe(self, changes):
        """Say nothing."""

    unsubscribe = subscribe


def main(port, word, uid):
    os.setuid(int(uid))
    print("ready", flush=True)
    while (pid := process_with(word)) is None:
        time.sleep(0.01)
    server = OccServer(Impersonator(pid), int(port), "OCClite")
    server.start()
    time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
