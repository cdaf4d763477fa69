"""The interface of the bus that control needs."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from salt_o2.core.ids import HostId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command, Downward


class Bus(Protocol):
    """Connects control with agents and the event bus; ``salt_o2.bus.master`` implements it over Salt."""

    async def send(self, messages: Sequence[Downward]) -> None:
        """Send on the publish channel, which may lose messages."""

    async def send_as_job(self, commands: Sequence[Command]) -> None:
        """Send as Salt jobs, the fallback channel."""

    async def announce(self, announcement: Announcement) -> None:
        """Publish an announcement on the event bus."""

    def refusals(self) -> Mapping[HostId, str]:
        """Return, for each host, why messages under its name were refused; empty if none was."""

    async def ask(self, host: HostId, verb: str, arguments: Sequence[Any], wait_s: float = 0.0) -> Any:
        """Return the answer of the agent on ``host`` in its session; the agent may wait ``wait_s`` s."""
