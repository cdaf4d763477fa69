"""What must be remembered of a process, because it cannot be asked for it."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class ProcessHistory:
    """The past of one process, as far as it was driven from here."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during every transition: OCClite would begin two at once, and break."""
    pid: int | None = None
    """The process that this channel belongs to, once that is known."""
    channels: set[str] = field(default_factory=set)
    """Names of all channels ever configured: FairMQ never forgets one, and would bind it again."""
    needs_restart: str = ""
    """Why the process is only good for its end, if it is."""
    state: str = ""
    """Where the process was when it last said so, known only to who would hear of its moving since."""
