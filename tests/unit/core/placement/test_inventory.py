"""What is taken of the hosts, and that all of it comes back."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.states import ControlMode


def facts(network="box", **attributes):
    return HostFacts(address="10.0.0.1", network=network, cpus=4, memory_mb=1000, attributes=attributes)


def task(id, host="flp1", cpu=1.0, memory_mb=100.0, ports=()):
    launch = Launch(mode=ControlMode.BASIC, value="x")
    return PlannedTask(
        id=TaskId(id),
        path=id,
        class_name="c",
        host=HostId(host),
        critical=True,
        launch=launch,
        properties={},
        cpu=cpu,
        memory_mb=memory_mb,
        ports=tuple(ports),
    )


def plan(*tasks):
    return Plan(workflow="w", revision="r", root=PlannedRole(name="w", path="w"), tasks=tasks)


@pytest.fixture
def inventory():
    """One host, ``flp1``, on the network ``box``."""
    made = Inventory()
    made.add_host(HostId("flp1"), facts())
    return made


def test_allocations_of_a_plan_are_counted_by_host_and_by_network(inventory):
    inventory.allocate("E", plan(task("a", ports=[9000]), task("b", ports=[9001])))
    use = inventory.use_of("flp1")
    assert (use.cpu, use.memory_mb, use.tasks) == (2.0, 200.0, 2)
    assert inventory.is_taken("box", 9001)
    assert not inventory.is_taken("box", 9002)
    assert not inventory.is_taken("elsewhere", 9001)


def test_releasing_an_environment_releases_exactly_its_allocations(inventory):
    inventory.allocate("E", plan(task("a", cpu=0.1, ports=[9000])))
    inventory.allocate("F", plan(task("b", cpu=0.2, ports=[9001])))
    inventory.release("E")
    assert not inventory.is_taken("box", 9000)
    assert inventory.is_taken("box", 9001)
    inventory.release("F")
    assert inventory.use_of("flp1").cpu == 0.0
    assert inventory.use_of("flp1").tasks == 0


def test_releasing_twice_or_an_unknown_plan_changes_nothing(inventory):
    inventory.allocate("E", plan(task("a", ports=[9000])))
    inventory.release("E")
    inventory.release("E")
    inventory.release("unknown")
    assert inventory.use_of("flp1").tasks == 0


def test_allocating_a_plan_twice_counts_once(inventory):
    for _ in range(2):
        inventory.allocate("E", plan(task("a")))
    assert inventory.use_of("flp1").tasks == 1


def test_single_tasks_can_be_allocated_and_released(inventory):
    inventory.allocate_tasks("E", [task("a", ports=[9000]), task("b", ports=[9001])])
    inventory.release_tasks("E", [TaskId("a")])
    assert [inventory.is_taken("box", port) for port in (9000, 9001)] == [False, True]


def test_the_allocations_on_a_silent_host_stay(inventory):
    inventory.allocate("E", plan(task("a", ports=[9000])))
    inventory.remove_host("flp1")
    assert inventory.is_taken("box", 9000)
    inventory.add_host("flp1", facts())
    assert inventory.use_of("flp1").tasks == 1


def test_plans_may_be_known_before_their_hosts():
    inventory = Inventory()
    inventory.allocate("E", plan(task("a", ports=[9000])))
    inventory.add_host("flp1", facts())
    assert inventory.is_taken("box", 9000)
    assert inventory.use_of("flp1").cpu == 1.0


def test_ports_move_with_a_host_that_comes_back_on_another_network(inventory):
    inventory.allocate("E", plan(task("a", ports=[9000])))
    inventory.add_host("flp1", facts(network="other"))
    assert [inventory.is_taken(network, 9000) for network in ("box", "other")] == [False, True]


def test_hosts_are_found_by_attribute_by_name_and_by_members_of_lists(inventory):
    inventory.add_host("flp2", facts(detectors="ITS,TPC"))
    assert list(inventory.with_attribute("detectors", "TPC")) == ["flp2"]
    assert list(inventory.with_attribute("detectors", "ITS,TPC")) == ["flp2"]
    assert list(inventory.with_attribute("hostname", "flp1")) == ["flp1"]
    assert list(inventory.with_attribute("machine_id", "flp2")) == ["flp2"]
    assert inventory.values("detectors") == ["ITS", "ITS,TPC", "TPC"]


def test_a_removed_host_is_not_found(inventory):
    inventory.remove_host("flp1")
    inventory.remove_host("flp1")
    assert list(inventory.with_attribute("hostname", "flp1")) == []
    assert inventory.hosts == {}


def test_new_facts_of_a_host_replace_the_old(inventory):
    inventory.add_host("flp1", facts(role="flp"))
    inventory.add_host("flp1", facts(role="epn"))
    assert list(inventory.with_attribute("role", "flp")) == []
    assert list(inventory.with_attribute("role", "epn")) == ["flp1"]


class Ledger(RuleBasedStateMachine):
    """Whatever comes and goes in whatever order, the inventory has what a plain list of tasks has."""

    def __init__(self):
        super().__init__()
        self.inventory = Inventory()
        self.held = {}
        self.networks = {}
        self.numbers = iter(range(10_000))

    @rule(host=st.sampled_from("AB"), network=st.sampled_from("xy"))
    def come(self, host, network):
        self.inventory.add_host(HostId(host), facts(network=network))
        self.networks[host] = network

    @rule(host=st.sampled_from("AB"))
    def fall_silent(self, host):
        self.inventory.remove_host(HostId(host))

    @rule(environment=st.sampled_from("EFG"), host=st.sampled_from("AB"), port=st.integers(9000, 9002))
    def take(self, environment, host, port):
        """Several tasks may have one port: after a restart, or when hosts turn out to be on one network."""
        taken = task(f"t{next(self.numbers)}", host, cpu=0.1, ports=[port])
        self.inventory.allocate_tasks(EnvironmentId(environment), [taken])
        self.held.setdefault(environment, []).append(taken)

    @rule(environment=st.sampled_from("EFG"))
    def release(self, environment):
        self.inventory.release(EnvironmentId(environment))
        self.held.pop(environment, None)

    @invariant()
    def sums_agree(self):
        for host in "AB":
            here = [each for tasks in self.held.values() for each in tasks if each.host == host]
            use = self.inventory.use_of(HostId(host))
            assert use.tasks == len(here)
            assert use.cpu == pytest.approx(0.1 * len(here))
            for each in here:
                assert host not in self.networks or self.inventory.is_taken(
                    self.networks[host], each.ports[0]
                )

    @invariant()
    def nothing_is_left_when_all_is_released(self):
        if not self.held:
            assert not any(ports.count for ports in self.inventory._ports.values())


TestLedger = Ledger.TestCase
