"""Detect that a machine reports under another minion id, and move its tasks to the new name.

The agent under the new id adopts the processes by their marks; its survey names their tasks. Control moves
them to the new name if four conditions hold (docs/decisions/0051-a-renamed-minion.md):

1. The tasks are planned on another host, by the ids that control drew.
2. Both names have the same address, boot and network namespace (``HostFacts.network``): it is one machine.
3. The new agent knows the secret of the old one's directory (``HostFacts.directory_key``): any process of the
   machine can learn its boot and network, and a job shows the ids of tasks to every minion.
4. The agent under the old name does not report any more. As long as it may report, control changes nothing.

Control logs tasks that do not meet these conditions, and leaves them alone.
"""

import logging
from dataclasses import replace
from hmac import compare_digest
from typing import TYPE_CHECKING

from salt_o2.control.storage import host_rows
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.messages.inputs import HostRenamed
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.recovery.host_liveness import AWAY, HostStatus
from salt_o2.core.recovery.replay import HOSTS

if TYPE_CHECKING:
    from salt_o2.control.environments.service import ActiveEnvironment, Control

log = logging.getLogger(__name__)


class RenamedHosts:
    """The part of control that knows which machine has reported under which names."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control
        self._claims: dict[HostId, HostId] = {}
        """New names of machines, by the old name, while the agent under the old name may still report."""

    def look(self, report: Report) -> None:
        """Check the survey of a host for tasks that are planned on another host."""
        self._claims.pop(report.host, None)  # a host that reports is not the old name of a machine
        for old in {self._planned_on(about.task) for about in report.tasks} - {None, report.host}:
            assert old is not None
            if not self._is_same_machine(old, report.facts):
                log.error(
                    "host %s has tasks that are planned on %s and is not the same machine: left alone",
                    report.host,
                    old,
                )
            elif self._control.hosts.presence(old) in (None, *AWAY):
                self._rename(old, report.host)
            else:
                log.warning("host %s may be the machine of %s, which may still report", report.host, old)
                self._claims[old] = report.host

    def settle(self, host: HostId) -> bool:
        """Return whether the silent or lost ``host`` only has another name; rename it if so."""
        new = self._claims.pop(host, None)
        if new is None or self._control.hosts.presence(new) is not HostStatus.ACTIVE:
            return False
        self._rename(host, new)
        self._control.request_survey(new)
        return True

    def _planned_on(self, task: TaskId) -> HostId | None:
        """Return the host of ``task``; ``None`` if neither an environment nor the pool has the task."""
        if entry := self._control.pooling.pool.entries.get(task):
            return entry.task.host
        owners = (held.environment.model.tasks.tasks.get(task) for held in self._control.held.values())
        return next((planned.host for planned in owners if planned), None)

    def _is_same_machine(self, old: HostId, facts: HostFacts | None) -> bool:
        before = self._control.inventory.facts_of(old)
        if before is None or facts is None or not facts.network:
            return False
        if not before.directory_key or not compare_digest(before.directory_key, facts.directory_key):
            return False
        return (before.network, before.address) == (facts.network, facts.address)

    def _rename(self, old: HostId, new: HostId) -> None:
        """Move all tasks of ``old`` to ``new``, and remove the old name."""
        control = self._control
        message = HostRenamed(at=control.clock(), old=old, new=new)
        concerned = [held for held in control.held.values() if old in held.environment.model.tasks.hosts]
        log.warning("the machine of host %s reports as %s: its tasks are known there now", old, new)
        for held in concerned:
            self._move(held, message)
        control.pooling.rename_host(old, new, message.at)
        control.watch.forget(old)
        control.inventory.forget_host(old)
        control.store.enqueue(host_rows.drop_host(old))
        control.store.append(HOSTS, message)
        control.store.flush()
        control.announce(
            AnnounceHost(
                host=new,
                status=HostStatus.ACTIVE,
                reason=f"it is the machine that reported as {old}: its tasks are known here now",
                quiet_s=0.0,
                environments=tuple(held.stored.id for held in concerned),
            )
        )

    def _move(self, held: "ActiveEnvironment", message: HostRenamed) -> None:
        control, environment = self._control, held.environment
        moved = [task.id for task in environment.model.tasks.on_host(message.old)]
        control.inventory.release_tasks(held.stored.id, moved)
        tasks = [replace(environment.model.tasks.tasks[task], host=message.new) for task in moved]
        control.inventory.allocate_tasks(held.stored.id, tasks)
        shape = held.stored.overrides
        move = {path: message.new if host == message.old else host for path, host in shape.move.items()}
        held.stored = replace(held.stored, overrides=replace(shape, move=move))
        control.step(held, message)
