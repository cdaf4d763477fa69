"""Find tasks that run on hosts without an owner.

Control stops the tasks that its store once owned, and reports all other tasks without touching them.
"""

import logging
from collections.abc import Mapping

from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage.store import Store
from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Report
from salt_o2.core.recovery import survey_reconciler

log = logging.getLogger(__name__)

MOST_UNRECOGNISED = 200
"""Unrecognised environments of one host that control remembers at most."""
MOST_LOGGED = 10
"""Unrecognised environments that get a log line of their own for each survey, at most."""
UNRECOGNISED = "%d tasks run on %s of %s, which are unknown in this store; not changed: salt-run o2.rebuild"


class OrphanTracker:
    """Compares surveys with the tasks that environments and the pool own."""

    def __init__(
        self, *, active: ActiveEnvironments, pool: PoolService, store: Store, outbound: OutboundQueues
    ) -> None:
        """Compare with the tasks of ``active`` and ``pool``, and those that ``store`` once owned."""
        self._active = active
        self._pool = pool
        self._store = store
        self._outbound = outbound
        self.unrecognised: dict[EnvironmentId, dict[HostId, Command]] = {}
        """Unrecognised environments that run: for each host, the command that would stop their tasks."""

    def process_survey(self, report: Report, environments: Mapping[EnvironmentId, Environment]) -> None:
        """Stop orphaned tasks of this store that a survey reports; record unrecognised environments."""
        ended, unrecognised = [], []
        for hosts in self.unrecognised.values():
            hosts.pop(report.host, None)
        commands = list(
            survey_reconciler.stop_commands_for_orphans(environments, report, self._pool.pool.entries)
        )
        owned = self._owned_among(commands)
        for command in commands:
            if command.environment in owned or self._pool.has_owned(command):
                log.warning(
                    "stopping %d tasks on %s of %s", len(command.orders), *_host_and_environment(command)
                )
                ended.append(command)
            else:
                unrecognised.append(command)
        for command in unrecognised[:MOST_UNRECOGNISED]:
            self.unrecognised.setdefault(command.environment, {})[command.host] = command
        self._log_unrecognised(report.host, unrecognised)
        self.unrecognised = {name: hosts for name, hosts in self.unrecognised.items() if hosts}
        self._outbound.send(ended)

    def _log_unrecognised(self, host: HostId, found: list[Command]) -> None:
        for command in found[:MOST_LOGGED]:
            log.error(UNRECOGNISED, len(command.orders), *_host_and_environment(command))
        if len(found) > MOST_LOGGED:
            more = len(found) - MOST_LOGGED
            log.error("%d more environments run on %s that are unknown in this store", more, host)

    def stop(self, environment: EnvironmentId) -> None:
        """Stop the tasks of an unrecognised environment at the request of a user."""
        self._outbound.send(list(self.unrecognised.pop(environment, {}).values()))

    def forget(self, host: HostId) -> None:
        """Remove the records of unrecognised environments on ``host``."""
        for hosts in self.unrecognised.values():
            hosts.pop(host, None)
        self.unrecognised = {name: hosts for name, hosts in self.unrecognised.items() if hosts}

    def _owned_among(self, commands: list[Command]) -> set[EnvironmentId]:
        """Return the environments of ``commands`` that are active here or have ended here.

        A host may report any number of environments, so one query looks them all up.
        """
        named = {command.environment for command in commands}
        active = named & self._active.keys()
        return active | self._store.ended_among(named - active)


def _host_and_environment(command: Command) -> tuple[HostId, EnvironmentId]:
    return command.host, command.environment
