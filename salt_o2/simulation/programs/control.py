"""The simulated control: the one place where the simulation composes the parts of control."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import event

from salt_o2.bus.master import MasterBus
from salt_o2.concurrency.background_loops import LoopEnded, run_together
from salt_o2.control import components
from salt_o2.control.components import Components
from salt_o2.control.environments.active import ActiveEnvironment
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.storage import database
from salt_o2.control.storage.retention import Retention
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import StorageError
from salt_o2.core.ids import EnvironmentId
from salt_o2.sealing.identity import PrivateKey, PublicKey
from salt_o2.simulation.machine.network import Network
from salt_o2.simulation.machine.operating_system import mortal
from salt_o2.simulation.machine.process import Program, current
from salt_o2.simulation.machine.salt_channels import SimulatedMasterChannels
from salt_o2.site.settings import Site

log = logging.getLogger(__name__)
MOST_PAGES = 2**30


class SimulatedControl:
    """Control, as long as the master runs."""

    def __init__(
        self,
        site: Site,
        database_path: Path,
        network: Network,
        key: PrivateKey,
        accepted: Mapping[str, PublicKey],
        broken: Callable[[str], None],
    ) -> None:
        """Call ``broken`` with a sentence if a loop of control ends."""
        self._site, self._path, self._network, self._key = site, database_path, network, key
        self._accepted, self._broken = accepted, broken
        self.program: Program | None = None
        self.control: Components | None = None
        self.store: Store | None = None
        self._channels: SimulatedMasterChannels | None = None
        self.announced: list[tuple[str, Any]] = []
        """Tag and data of all announcements on the event bus."""
        self.is_store_full = False
        self.starts = 0
        self.no_database: Callable[[], None] = lambda: None
        """Called if the database cannot be opened: the supervisor tries again."""
        self.died: Callable[[Program], None] = lambda _: None
        """Called when control is killed at a commit."""
        self.programs: list[Program] = []
        """All processes of control that ever ran: a dead one must stay in memory, see ``Program``."""

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self.program is not None and self.program.alive and self.control is not None

    @property
    def environments(self) -> Mapping[EnvironmentId, ActiveEnvironment]:
        """All active environments."""
        return self.control.active if self.control is not None else {}

    def start(self) -> None:
        """Start control on the database that an earlier one has left."""
        self.starts += 1
        self.program = Program(f"control {self.starts}")
        self.programs.append(self.program)
        self.program.start(self._run(), "control")

    def stop(self) -> None:
        """Kill control; what it has not committed is lost."""
        program, self.program = self.program, None
        if program is not None:
            program.kill()
        if self.store is not None:
            database.close(self.store._engine)
        self.control = self.store = None
        self._network.master = None

    async def _run(self) -> None:
        program = self.program
        assert program is not None
        try:
            self.store = store = Store(f"sqlite:///{self._path}")
        except StorageError:
            self.no_database()
            return
        commit = mortal(_commit, self.died)
        event.listen(store._engine, "commit", lambda connection: commit(connection))
        event.listen(store._engine, "checkout", self._limit_store)
        self._channels = SimulatedMasterChannels(
            self._network, program, self._key, self._accepted, self.announced
        )
        bus = MasterBus({}, self._channels)
        self.control = control = components.build(self._site, bus, store, clock=time.time)
        inbox = ReportQueue()
        loops = {
            "bus": bus.listen(inbox.put, control.hosts.kept_incarnation),
            "control": control.run(),
            "journal": Retention(store, self._site.journal, time.time).run(),
            "reports": inbox.run(control.reports.receive),
        }
        try:
            await run_together(loops)
        except LoopEnded as error:
            self._broken(f"control ended: {error}")

    def _limit_store(self, connection: Any, record: Any, *_: Any) -> None:
        """Let SQLite refuse to grow its file while the disk is full; it cannot be made smaller than it is."""
        if record.info.get("full", False) is not self.is_store_full:
            record.info["full"] = self.is_store_full
            connection.execute(f"PRAGMA max_page_count = {1 if self.is_store_full else MOST_PAGES}")

    def request(self, verb: str, arguments: Mapping[str, Any], user: str) -> "asyncio.Task[Any]":
        """Send a request of a user; the task never ends if control is killed before the answer."""
        assert self.program is not None
        assert self.control is not None
        serving = self.control.dispatcher.serve(verb, arguments, user, lambda _progress: None)
        return self.program.start(serving, f"{verb} of {user}")


def _commit(connection: Any) -> None:
    """Commit now if control is to be killed after the commit; SQLAlchemy commits otherwise."""
    program = current()
    if program is not None and program.writes_left is not None and program.writes_left < 0:
        connection.connection.commit()
