"""The registry of active environments. It looks them up and changes nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import UnknownNameError
from salt_o2.core.ids import EnvironmentId, HostId, resolve_prefix, some

Watcher = Callable[[Environment], None]
"""Called with an environment after each message that the environment has processed."""


@dataclass(slots=True)
class ActiveEnvironment:
    """An environment with the data that only control needs."""

    stored: StoredEnvironment
    environment: Environment
    watchers: list[Watcher] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    """Wakes the environment at its next deadline."""
    rescheduling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Locked during a search for other hosts or ports: searches run one after the other."""
    ports_refused: bool = False
    """Whether an agent has refused to start a task of this environment because of a port."""


class ActiveEnvironments(dict[EnvironmentId, ActiveEnvironment]):
    """All active environments by their ids."""

    def find(self, prefix: str) -> ActiveEnvironment:
        """Return the active environment whose id is or uniquely begins with ``prefix``.

        Raises:
            UnknownNameError: if no environment matches, or more than one.
        """
        return self[resolve_prefix(prefix, self, "active environment", self._existing())]

    def stored(self, id: EnvironmentId) -> StoredEnvironment:
        """Return the current stored data of the active environment ``id``.

        Raises:
            UnknownNameError: if it has ended.
        """
        target = self.get(id)
        if target is None:
            raise UnknownNameError(f"environment {id} is not an active environment{self._existing()}")
        return target.stored

    def on_host(self, host: HostId) -> list[ActiveEnvironment]:
        """Return the environments that have a task planned on ``host``. O(environments)."""
        return [target for target in self.values() if host in target.environment.model.tasks.hosts]

    def ids_on_host(self, host: HostId) -> tuple[EnvironmentId, ...]:
        """Return the ids of the environments that have a task planned on ``host``. O(environments)."""
        return tuple(target.stored.id for target in self.on_host(host))

    def hosts(self) -> set[HostId]:
        """Return all hosts that have a planned task."""
        return {host for target in self.values() for host in target.environment.model.tasks.hosts}

    def environments(self) -> dict[EnvironmentId, Environment]:
        """Return the state machine of each environment."""
        return {id: target.environment for id, target in self.items()}

    def _existing(self) -> str:
        return f"; there are: {some(self)}" if self else "; there is none"
