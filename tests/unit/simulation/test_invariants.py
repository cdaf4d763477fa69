"""An invariant that is violated is reported: each test violates one in a running cluster."""

import asyncio
import signal

import pytest

from tests.support.simulation.scene import play_in


@pytest.fixture
def play(tmp_path):
    """Run a scene in a simulated cluster."""

    return lambda scene: play_in(tmp_path, scene)


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


def test_a_run_that_ends_in_good_order_without_a_request(play):
    async def scene(acted):
        control = acted.cluster.control
        await control.request("env_control", {"id": acted.id, "event": "STOP_ACTIVITY"}, "teo")
        assert f"the run of environment {acted.id} has ended without a request" in await acted.checked()

    play(scene)


def test_a_run_that_a_user_stops_ends_with_a_request(play):
    async def scene(acted):
        acted.answers.begun[acted.id] = 1
        await acted.cluster.control.request("env_control", {"id": acted.id, "event": "STOP_ACTIVITY"}, "teo")
        assert await acted.checked(4) == ""

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
