"""Find tasks that run on hosts without an owner.

Control stops the tasks that its store once owned, and reports all other tasks without touching them.
"""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Report
from salt_o2.core.recovery import survey_reconciler

if TYPE_CHECKING:
    from salt_o2.control.environments.service import Control

log = logging.getLogger(__name__)

MOST_UNKNOWN = 200
"""Unrecognised environments of one host that control remembers at most."""
MOST_LOGGED = 10
"""Unrecognised environments that get a log line of their own for each survey, at most."""
UNKNOWN = "%d tasks run on %s of %s, which this store does not know; left alone: salt-run o2.rebuild"


class OrphanTracker:
    """The part of control that compares surveys with the tasks that environments and the pool own."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control
        self.unknown: dict[EnvironmentId, dict[HostId, Command]] = {}
        """Unrecognised environments that run: for each host, the command that would stop their tasks."""

    def process_survey(self, report: Report, environments: Mapping[EnvironmentId, Environment]) -> None:
        """Stop orphaned tasks of this store that a survey reports; record unrecognised environments."""
        ended, unknown = [], []
        for hosts in self.unknown.values():
            hosts.pop(report.host, None)
        for command in survey_reconciler.stop_commands_for_orphans(
            environments, report, self._control.pooling.pool.entries
        ):
            if self._was_ours(command):
                log.warning("ending %d tasks on %s of %s", len(command.orders), *_whose(command))
                ended.append(command)
            else:
                unknown.append(command)
        for command in unknown[:MOST_UNKNOWN]:
            self.unknown.setdefault(command.environment, {})[command.host] = command
        self._log_unknown(report.host, unknown)
        self.unknown = {name: hosts for name, hosts in self.unknown.items() if hosts}
        self._control.send(ended)

    def _log_unknown(self, host: HostId, found: list[Command]) -> None:
        for command in found[:MOST_LOGGED]:
            log.error(UNKNOWN, len(command.orders), *_whose(command))
        if len(found) > MOST_LOGGED:
            more = len(found) - MOST_LOGGED
            log.error("%d more environments run on %s that this store does not know", more, host)

    def stop(self, environment: EnvironmentId) -> None:
        """Stop the tasks of an unrecognised environment at the request of a user."""
        self._control.send(list(self.unknown.pop(environment, {}).values()))

    def forget(self, host: HostId) -> None:
        """Remove the records of unrecognised environments on ``host``."""
        for hosts in self.unknown.values():
            hosts.pop(host, None)
        self.unknown = {name: hosts for name, hosts in self.unknown.items() if hosts}

    def _was_ours(self, command: Command) -> bool:
        control = self._control
        known = command.environment in control.held or control.store.has_ended(command.environment)
        return known or control.pooling.has_owned(command)


def _whose(command: Command) -> tuple[HostId, EnvironmentId]:
    return command.host, command.environment
