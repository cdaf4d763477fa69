"""The real effect executor with a real store, inventory and pool; it sends to a record of messages."""

from contextlib import contextmanager

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.change_log import ChangeLog
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.integration_calls import IntegrationCalls
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.storage.write_behind import DeferredFlush
from salt_o2.core.environment.environment import Environment
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.recovery import snapshot
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.outbound import RecordedOutbound


class ExecutorHarness:
    """An executor, and what it acts on."""

    def __init__(self, url):
        self.url, self.clock, self.outbound = url, FakeClock(), RecordedOutbound()
        self.store, self.inventory, self.active = Store(url), Inventory(), ActiveEnvironments()
        self.runs = RunStore(self.store)
        self.flushing, self.waiters = DeferredFlush(self.store), RequestWaiters()
        self.hosts = HostTable(5.0)
        self.pool = PoolService(
            store=self.store,
            inventory=self.inventory,
            hosts=self.hosts,
            outbound=self.outbound,
            limits=PoolLimits(),
            clock=self.clock,
        )
        self.executor = EffectExecutor(
            active=self.active,
            store=self.store,
            runs=self.runs,
            flushing=self.flushing,
            inventory=self.inventory,
            hosts=self.hosts,
            pool=self.pool,
            outbound=self.outbound,
            waiters=self.waiters,
            calls=IntegrationCalls({}),
            changes=ChangeLog("epoch"),
            clock=self.clock,
        )

    def add(self, id, plan):
        """Add an environment in STANDBY with the resources of its plan, and return it."""
        environment = Environment(id, plan)
        stored = StoredEnvironment(
            id=id,
            created=self.clock(),
            user="teo",
            overrides=Overrides(),
            plan=plan,
            snapshot=snapshot.capture(environment),
        )
        self.store.add(stored)
        self.inventory.allocate(id, plan)
        target = self.active[id] = ActiveEnvironment(stored, environment)
        return target

    @contextmanager
    def other_connection(self):
        """Yield the database as another process sees it: only what is committed."""
        other = Store(self.url)
        try:
            yield other
        finally:
            other.close()

    def close(self):
        """Cancel timers and close the database, as the end of control's process does."""
        for target in self.active.values():
            if target.timer:
                target.timer.cancel()
        self.flushing.forget()
        self.store.close()
