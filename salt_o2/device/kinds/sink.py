"""Receive, print and count messages; report the rate and missing numbered messages."""

import time
from typing import ClassVar

from salt_o2.device.base import Device
from salt_o2.device.kinds import numbered_messages
from salt_o2.device.transport.channel_settings import INPUTS

POLL_MS = 200
PRINTED_PER_PERIOD = 10


class Sink(Device):
    """Like FairMQ's sinks, from all inputs. Print a line such as this every second:

    ``rate: 123.4 msg/s total: 4567 missing: 0``
    """

    endpoints: ClassVar = {"data2": "pull"}
    options: ClassVar = {
        "max-iterations": (0, "how many messages to receive, 0 is no limit"),
        "report-period": (1.0, "seconds between two lines about the rate"),
    }

    def init(self) -> None:
        """Set the counts to 0. They continue from run to run."""
        self.total = 0
        self.accounts: dict[str, numbered_messages.Account] = {}

    def pre_run(self) -> None:
        """Start a run."""
        self.received = self.reported = 0
        self.since = time.monotonic()
        self.inputs = self.names(INPUTS)

    def run(self) -> None:
        """Receive until a request arrives, or until the wanted number of messages is reached."""
        limit = self.properties["max-iterations"]
        while self.running and not 0 < limit <= self.received:
            for name, index in self.wait_for_data(self.inputs, POLL_MS):
                parts = self.receive(name, index, timeout_ms=0)
                if parts is not None and not 0 < limit <= self.received:
                    self.count(parts)
            if time.monotonic() - self.since >= self.properties["report-period"]:
                self.report()

    def post_run(self) -> None:
        """Print the final counts of the run."""
        self.report()

    def count(self, parts: list[bytes]) -> None:
        """Count one message, and print it unless there are too many."""
        self.total += 1
        self.received += 1
        if (found := numbered_messages.read(parts[0])) is not None:
            self.accounts.setdefault(found[0], numbered_messages.Account()).see(found[1])
        if self.received - self.reported <= PRINTED_PER_PERIOD:
            self.log.info(f'Received: "{b" | ".join(parts).decode(errors="replace")}"')

    def report(self) -> None:
        """Print the rate since the previous report, and the totals."""
        now = time.monotonic()
        rate = (self.received - self.reported) / max(now - self.since, 1e-9)
        missing = sum(account.overdue() for account in self.accounts.values())
        self.reported, self.since = self.received, now
        print(f"rate: {rate:.1f} msg/s total: {self.total} missing: {missing}", flush=True)
