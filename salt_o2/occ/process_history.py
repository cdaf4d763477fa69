"""Facts about a process that must be remembered, because the process cannot report them."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class ProcessHistory:
    """The history of one process, as far as this program has driven it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during every transition: OCClite would start two at once, and break."""
    pid: int | None = None
    """The process that this channel belongs to, once it is known."""
    channels: set[str] = field(default_factory=set)
    """Names of all channels ever configured: FairMQ never forgets one, and would bind it again."""
    needs_restart: str = ""
    """Why the process can only be ended and needs a restart; empty if it does not."""
    state: str = ""
    """The last reported state; empty unless the owner is notified of each later move."""
