"""Print the message rates of each socket every ``rateLogging`` seconds, as FairMQ does."""

from collections.abc import Mapping
from threading import Event, Thread

from salt_o2.device.console import Output
from salt_o2.device.transport.channel_set import Channels
from salt_o2.device.transport.endpoint import Endpoint

MEGABYTE = 1_000_000


class Rates:
    """A thread that reads the counts once a second while the device is RUNNING."""

    def __init__(self, channels: Channels, output: Output) -> None:
        """Start the thread if a socket has rate logging enabled."""
        self._counts, self._output, self._over = channels.counts, output, Event()
        ends = [end for ends in channels.endpoints.values() for end in ends if end.rate_logging > 0]
        self._thread = Thread(target=self._watch, args=(ends,), daemon=True) if ends else None
        if self._thread is not None:
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, ends: list[Endpoint]) -> None:
        counted = {(end.name, end.index): list(self._counts[end.name, end.index]) for end in ends}
        second = 0
        while not self._over.wait(1.0):
            second += 1
            for end in ends:
                if second % end.rate_logging == 0:
                    now = list(self._counts[end.name, end.index])
                    self._output.info(line(end, counted[end.name, end.index], now))
                    counted[end.name, end.index] = now


def line(end: Endpoint, before: list[int], now: list[int]) -> str:
    """Return the rates of one socket per second, from two readings of its counts."""
    each: Mapping[str, float] = {
        name: (b - a) / end.rate_logging
        for name, a, b in zip(("in", "bytes_in", "out", "bytes_out"), before, now, strict=True)
    }
    received = f"in: {each['in']:.0f} ({each['bytes_in'] / MEGABYTE:.6g} MB)"
    return f"{end}: {received} out: {each['out']:.0f} ({each['bytes_out'] / MEGABYTE:.6g} MB)"
