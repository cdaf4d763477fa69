"""What control needs of the bus."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from salt_o2.core.ids import HostId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command, Downward


class Bus(Protocol):
    """Control's way to agents and to the world; ``salt_o2.bus.master`` has the one over Salt."""

    async def send(self, messages: Sequence[Downward]) -> None:
        """Send on the quick channel, which may lose them."""

    async def send_as_job(self, commands: Sequence[Command]) -> None:
        """Send the sure way."""

    async def announce(self, news: Announcement) -> None:
        """Tell the world."""

    def refusals(self) -> Mapping[HostId, str]:
        """Return which messages under the name of a host were refused, in words; empty if none was."""

    async def ask(self, host: HostId, verb: str, arguments: Sequence[Any], wait_s: float = 0.0) -> Any:
        """Return what the agent on ``host`` answers in its session; it may wait for ``wait_s`` s."""
