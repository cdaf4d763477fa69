"""The host monitor alone: it excludes hosts from placement, informs its observer and announces."""

import asyncio
from types import SimpleNamespace

import pytest

from salt_o2.control.hosts.host_monitor import HostMonitor
from salt_o2.control.hosts.host_probe import HostProbe
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.host_liveness import SILENT_AFTER, HostStatus
from tests.support.builders.plans import planned
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.outbound import RecordedOutbound
from tests.support.fakes.probe import FakeProbe

HEARTBEAT_S = 4.0


class RecordedObserver:
    """Records what the monitor detects; ``renamed`` hosts only have another name."""

    def __init__(self):
        self.events, self.renamed, self.fails = [], set(), False

    def settle_rename(self, host):
        return host in self.renamed

    def environments_on(self, host):
        return ("ENV",)

    def host_silent(self, host, reason):
        self.events.append(("silent", host))
        if self.fails:
            raise ValueError("a defect")

    def host_lost(self, host, silent_s):
        self.events.append(("lost", host, silent_s))


@pytest.fixture
def scene():
    """A monitor of flp1, which runs one task, and of flp2, which reports all the time."""
    clock, probe, outbound, observer = FakeClock(), FakeProbe(), RecordedOutbound(), RecordedObserver()
    hosts, inventory = HostTable(HEARTBEAT_S), Inventory()
    task = planned("readout", "flp1", ports=(30000,))
    host_probe = HostProbe(
        hosts=hosts,
        inventory=inventory,
        tasks_on=lambda host: [task] if host == "flp1" else [],
        probe=probe,
    )
    monitor = HostMonitor(
        hosts=hosts,
        inventory=inventory,
        probe=host_probe,
        outbound=outbound,
        observer=observer,
        clock=clock,
    )

    def report(host):
        facts = HostFacts(address=host, network=host, cpus=8, memory_mb=8000)
        hosts.record_report(Report(host=host, incarnation="1", sequence=0, facts=facts), clock())
        inventory.add_host(host, facts)

    def pass_time(heartbeats):
        async def passing():
            for _ in range(4 * heartbeats):
                clock.at += HEARTBEAT_S / 4
                report("flp2")
                monitor.check_all()
                await asyncio.gather(*monitor.probing)

        asyncio.run(passing())

    report("flp1")
    report("flp2")
    return SimpleNamespace(
        **{
            "monitor": monitor,
            "hosts": hosts,
            "inventory": inventory,
            "probe": probe,
            "pass_time": pass_time,
        },
        **{"outbound": outbound, "observer": observer, "clock": clock},
    )


def announced(scene):
    return [(each.host, each.status, each.environments) for each in scene.outbound.announced]


def test_a_host_that_reports_is_neither_probed_nor_announced(scene):
    scene.pass_time(1)
    assert (scene.probe.asked, scene.observer.events, announced(scene)) == ([], [], [])


def test_a_silent_host_whose_tasks_respond_is_excluded_from_placement_and_not_lost(scene):
    scene.probe.alive = {"flp1"}
    scene.pass_time(20)
    assert scene.observer.events == [("silent", "flp1")]
    assert announced(scene) == [("flp1", HostStatus.SILENT, ("ENV",))]
    assert set(scene.inventory.hosts) == {"flp2"}


def test_a_silent_host_on_which_no_process_responds_is_lost(scene):
    scene.pass_time(20)
    ((event, host, silent_s),) = scene.observer.events
    assert (event, host) == ("lost", "flp1")
    assert silent_s > SILENT_AFTER * HEARTBEAT_S
    assert announced(scene) == [("flp1", HostStatus.LOST, ("ENV",))]


def test_a_renamed_host_is_neither_silent_nor_lost(scene):
    scene.observer.renamed = {"flp1"}
    scene.pass_time(20)
    assert (scene.observer.events, announced(scene)) == ([], [])


def test_a_silent_host_is_announced_although_the_observer_fails(scene):
    scene.probe.alive, scene.observer.fails = {"flp1"}, True
    scene.pass_time(4)
    assert announced(scene) == [("flp1", HostStatus.SILENT, ("ENV",))]


def test_a_removed_host_is_probed_from_the_beginning_when_it_is_known_again(scene):
    scene.pass_time(20)
    assert scene.hosts.known["flp1"].probes > 0
    scene.hosts.forget("flp1")
    scene.hosts.expect("flp1", None, scene.clock(), 0.0)
    assert scene.hosts.known["flp1"].probes == 0
