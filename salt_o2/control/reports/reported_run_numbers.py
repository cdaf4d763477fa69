"""Raise the run counter above the run numbers that hosts report: another control may have given them.

core/recovery/run_number_claims.py limits how far one host can raise it.
"""

from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.storage.run_store import RunStore
from salt_o2.core.ids import HostId
from salt_o2.core.recovery import run_number_claims


class ReportedRunNumbers:
    """The run numbers that hosts claim to have seen."""

    def __init__(self, *, runs: RunStore, hosts: HostTable) -> None:
        """Raise the run counter of ``runs`` according to the claims of ``hosts``."""
        self._runs = runs
        self._hosts = hosts
        self._confirmed = runs.last_run
        """The highest run number since control started that does not depend on the report of one host."""

    def apply_claim(self, host: HostId, claim: int) -> None:
        """Raise the run counter to ``claim`` of ``host``, within the limit for one host."""
        if claim <= self._runs.last_run:
            return
        claims = {name: known.facts.last_run for name, known in self._hosts.known.items() if known.facts}
        number = run_number_claims.believed(claims, self._runs.last_run, self._confirmed)
        if run_number_claims.confirmed(claims, number):
            self._confirmed = number
        self._runs.raise_run_counter(number)
        if claim > self._runs.last_run:
            self._hosts.known[host].doubt(run_number_claims.why(claim, self._runs.last_run))
