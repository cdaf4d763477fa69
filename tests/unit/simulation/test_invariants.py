"""An invariant that is violated is reported: each test violates one in a running cluster."""

import asyncio
import signal
from random import Random

import pytest

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
        self.cluster.start()
        await asyncio.sleep(10)
        ask = self.cluster.control.request
        made = await ask("env_create", {"workflow": "farm", "vars": {"copies": "2"}}, "teo")
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
    loop = VirtualLoop(Random(1))
    with exchanged(loop.time, Random(2)):
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


@pytest.fixture
def play(tmp_path):
    """Run a scene in a simulated cluster."""

    def run(scene):
        with quiet():
            return play_in(tmp_path, scene)

    return run


def test_all_invariants_hold_in_a_cluster_without_faults(play):
    async def scene(acted):
        assert await acted.checked(60) == ""
        acted.invariants.check_quiet()
        assert acted.invariants.broken == []

    play(scene)


def test_a_shown_state_that_is_false_violates_an_invariant(play):
    async def scene(acted):
        _, task, device = acted.a_device()
        device.state = "READY"  # and no stream and no poll tells the agent
        acted.cluster.hosts[next(iter(acted.cluster.hosts))].program.frozen = True
        for host in acted.cluster.hosts.values():
            host.program.frozen = True
        hosts = acted.cluster.control.control.hosts
        for _ in range(40):
            for known in hosts.known.values():
                known.confirmed_at = acted.cluster.control.control.clock()
            acted.invariants.check()
            await asyncio.sleep(2)
        assert f"task {task}" in " ".join(acted.invariants.broken)
        assert "is shown as RUNNING and is CONFIGURED" in " ".join(acted.invariants.broken)

    play(scene)


def test_a_task_with_two_shims_violates_an_invariant(play):
    async def scene(acted):
        host, task, device = acted.a_device()
        shim = host.kernel.table[device.process.session]
        second = host.kernel.add_member(shim)
        second.mark, second.program = shim.mark, shim.program
        assert f"task {task} was started twice" in await acted.checked()

    play(scene)


def test_a_signal_to_a_process_of_another_program_violates_an_invariant(play):
    async def scene(acted):
        host, _, _ = acted.a_device()
        stranger = host.kernel.add_stranger(100)
        host.kernel.send(host.kernel.entry(stranger.pid), signal.SIGTERM)
        assert "SIGTERM to a process of another program" in await acted.checked()

    play(scene)


def test_the_end_of_a_process_without_a_fault_violates_an_invariant(play):
    async def scene(acted):
        host, _, device = acted.a_device()
        host.kernel.crash(device.process)
        assert "untouched" in await acted.checked(4)

    play(scene)


def test_a_fault_excuses_the_end_of_a_process(play):
    async def scene(acted):
        host, _, device = acted.a_device()
        acted.injection.touched[host.name] = acted.cluster.loop.time()
        host.kernel.crash(device.process)
        assert await acted.checked(30) == ""

    play(scene)


def test_a_process_of_no_environment_violates_an_invariant(play):
    async def scene(acted):
        host, _, device = acted.a_device()
        left = host.kernel.add_member(device.process)
        left.mark = str(host.directory / "tasks" / "unknown")
        acted.invariants.check_quiet()
        assert f"of task unknown is left on {host.name}" in " ".join(acted.invariants.broken)

    play(scene)


def test_the_disappearance_of_an_accepted_environment_violates_an_invariant(play):
    async def scene(acted):
        acted.answers.accepted["gone"] = "teo"
        acted.invariants.check_quiet()
        assert "environment gone was accepted, and is gone" in acted.invariants.broken

    play(scene)


def test_a_journal_that_does_not_replay_to_the_state_violates_an_invariant(play):
    async def scene(acted):
        model = acted.cluster.control.environments[acted.id].environment.model
        model.revision += 1
        acted.invariants.check_quiet()
        assert "replays to another state: revision" in " ".join(acted.invariants.broken)

    play(scene)


def test_a_host_that_does_not_return_after_the_faults_violates_an_invariant(play):
    async def scene(acted):
        acted.cluster.hosts["flp2"].stop_agent()
        await asyncio.sleep(60)
        acted.invariants.check_quiet()
        assert "no agent runs on flp2 though no fault lasts" in acted.invariants.broken

    play(scene)


def test_a_process_left_after_all_environments_are_destroyed_violates_an_invariant(play):
    async def scene(acted):
        acted.invariants.check_empty()
        told = " ".join(acted.invariants.broken)
        assert f"environment {acted.id} is still there" in told
        assert "is left on flp1 at the end" in told
        assert "control counts" in told

    play(scene)


def test_the_end_of_a_loop_violates_an_invariant(play):
    async def scene(acted):
        host, _, _ = acted.a_device()
        acted.cluster.network.agents[host.name][0].reading.cancel()
        assert "ended" in await acted.checked(4)

    play(scene)
