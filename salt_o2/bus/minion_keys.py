"""The minion's key pair, which the agent signs in with: the minion makes it, and the agent never does.

At the first start of a host neither has keys. Salt makes a pair wherever it finds none, so minion and agent
would make one each, and the master would accept the pair that it hears of first and deny the other.
"""

import asyncio
import logging
from pathlib import Path

log = logging.getLogger(__name__)

NAMES = ("minion.pem", "minion.pub", "minion_master.pub")
"""The private half, the public half, and the key of the master that has accepted the minion."""
LOOK_S = 0.2
SAY_S = 10.0
"""How often it is logged that the agent waits."""


async def keys_made(folder: Path) -> None:
    """Wait until the minion has its keys in ``folder`` and a master has accepted them."""
    loop = asyncio.get_running_loop()
    say_at = loop.time()
    while missing := [name for name in NAMES if not _is_written(folder / name)]:
        if loop.time() >= say_at:
            log.info("the agent waits for the minion to sign in: %s lacks %s", folder, ", ".join(missing))
            say_at += SAY_S
        await asyncio.sleep(LOOK_S)


def _is_written(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
