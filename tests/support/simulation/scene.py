"""A small simulated cluster with one running environment, for tests that change one thing in it."""

import asyncio
from random import Random

from salt_o2.simulation.injection import Injection, devices_of
from salt_o2.simulation.invariants import Invariants
from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.operating_system import exchanged
from salt_o2.simulation.programs.cluster import Cluster
from salt_o2.simulation.simulation import quiet
from salt_o2.simulation.users import Answers


class Scene:
    """A cluster of two hosts with one running environment, and its invariants."""

    def __init__(self, cluster):
        self.cluster, self.answers = cluster, Answers()
        self.injection = Injection(cluster)
        self.invariants = Invariants(cluster, self.injection, self.answers)

    async def begin(self):
        """Create an environment and start its run."""
        self.cluster.start()
        await asyncio.sleep(10)
        ask = self.cluster.control.request
        wanted = {"copies": "2", "fmq_plugin": "OCC"}
        made = await ask("env_create", {"workflow": "farm", "vars": wanted}, "teo")
        await ask("env_control", {"id": made["id"], "event": "START_ACTIVITY"}, "teo")
        await asyncio.sleep(10)
        self.invariants.check()
        assert self.invariants.broken == []
        self.id = made["id"]

    def a_device(self):
        """Return a host and the device of one of its tasks."""
        return next(
            (host, task, device)
            for host in self.cluster.hosts.values()
            for task, device in devices_of(host).items()
        )

    async def checked(self, seconds=0.0):
        """Check every two seconds; return what was violated."""
        for _ in range(int(seconds // 2) + 1):
            self.invariants.check()
            await asyncio.sleep(2)
        return " / ".join(self.invariants.broken)


def play_in(folder, scene):
    """Run ``scene`` in a simulated cluster of two hosts, and return what it returns."""
    loop = VirtualLoop(Random(1))
    with quiet(), exchanged(loop.time, Random(2)):
        cluster = Cluster(loop, Random(3), folder, 2)

        async def work():
            acted = Scene(cluster)
            await acted.begin()
            try:
                return await scene(acted)
            finally:
                cluster.close()

        try:
            return loop.run_until_complete(work())
        finally:
            cluster.release_memory()
            loop.close()
