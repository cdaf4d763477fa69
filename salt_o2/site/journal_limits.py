"""How much of the journal of ended environments is kept."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from salt_o2.core.messages.bounds import Amount

Rows = Annotated[int, Meta(ge=0, le=2**62)]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """How much of the journal of ended environments is kept."""

    keep_days: Amount = 180.0
    """for how many days after the end of an environment its journal is kept; 0: no bound"""
    keep_rows: Rows = 5_000_000
    """rows of all journals; beyond it the environments that ended first lose theirs; 0: no bound"""
    host_mb_per_hour: Amount = 64.0
    """how much one host may have written into the journal in an hour, in MB; 0: no bound"""
