"""A port that an agent has refused: it is omitted for a while, and no restart is counted for it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.effects import Reschedule
from salt_o2.core.messages.inputs import Modified, RecoverTask, RescheduleFailed, TasksMoved
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import ResourceDemand
from salt_o2.core.placement.inventory import REFUSED_S, Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.placement.scheduler import schedule
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.tasks.restarts import MAX_PORT_CHANGES
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

CONTROL, CHANNELS = (100, 109), (200, 219)


def facts(network="n1"):
    return HostFacts(
        address="10.0.0.1",
        network=network,
        cpus=8,
        memory_mb=1000,
        control_ports=CONTROL,
        channel_ports=CHANNELS,
    )


def inventory_of(**networks):
    made = Inventory()
    for host, network in networks.items():
        made.add_host(HostId(host), facts(network))
    return made


def ports_of(placement):
    own = () if placement.control_port is None else (placement.control_port,)
    return {*own, *placement.channel_ports}


def device(path="r", channels=1, **details):
    return PlacementRequest(path=path, control_port=True, channels=channels, **details)


refused = st.sets(st.one_of(st.integers(*CONTROL), st.integers(*CHANNELS)))


@settings(deadline=None)
@given(refused, st.lists(st.integers(0, 3), min_size=1, max_size=6), st.booleans())
def test_a_refused_port_is_given_to_no_task_and_no_other_port_is_withheld(ports, channels, shared):
    inventory = inventory_of(h1="n1", h2="n1" if shared else "n2")
    inventory.refuse_ports(HostId("h1"), ports, ports if shared else (), at=0.0)
    inventory.refuse_ports(HostId("h2"), ports, ports if shared else (), at=0.0)
    spaces = 1 if shared else 2
    control = spaces * sum(port not in ports for port in range(CONTROL[0], CONTROL[1] + 1))
    data = spaces * sum(port not in ports for port in range(CHANNELS[0], CHANNELS[1] + 1))
    requests = [device(f"r{number}", count) for number, count in enumerate(channels)]
    try:
        placements = schedule(requests, inventory)
    except PlanError:
        crowded = spaces == 2 and len(requests) > 1  # each network for itself may be too small
        assert len(requests) > control or sum(channels) > data or crowded
    else:
        assert not any(ports_of(put) & ports for put in placements)


def test_a_port_is_refused_on_its_network_only_and_only_for_a_time():
    inventory = inventory_of(h1="n1", twin="n1", far="n2")
    inventory.refuse_ports(HostId("h1"), [100], own=[100], at=1000.0)
    assert inventory.is_refused("n1", 100)
    assert not inventory.is_refused("n2", 100)
    inventory.forget_refused_ports(1000.0 + REFUSED_S - 1)
    assert inventory.is_refused("n1", 100)
    inventory.forget_refused_ports(1000.0 + REFUSED_S)
    assert not inventory.is_refused("n1", 100)


@pytest.mark.finding("X19")
def test_a_host_takes_no_ports_of_another_host_away_by_naming_its_network():
    inventory = inventory_of(victim="n1", rogue="n1")
    inventory.refuse_ports(HostId("rogue"), range(CONTROL[0], CONTROL[1] + 1), own=[100], at=0.0)
    assert inventory.refused_ports("n1") == [100]
    (put,) = schedule([device()], inventory)
    assert put.control_port == 101


def test_a_port_of_another_task_of_ours_is_not_remembered_as_a_stranger_s():
    inventory = inventory_of(h1="n1", h2="n1")
    inventory.allocate_tasks(EnvironmentId("E"), [planned("a", "h2", ports=(100, 200))])
    inventory.refuse_ports(HostId("h1"), [100, 101, 200], own=[101], at=0.0)
    assert inventory.refused_ports("n1") == [101]


def test_when_all_ports_are_refused_the_plan_says_which():
    inventory = inventory_of(h1="n1")
    inventory.refuse_ports(HostId("h1"), range(CONTROL[0], CONTROL[1] + 1), (), at=0.0)
    with pytest.raises(PlanError, match=r"no control port left in 100-109.*10 .*in use.*100, 101"):
        schedule([device()], inventory)


def test_a_port_that_the_template_fixes_is_asked_for_again():
    inventory = inventory_of(h1="n1")
    inventory.refuse_ports(HostId("h1"), [5000], own=[5000], at=0.0)
    (put,) = schedule([PlacementRequest(path="r", wants=ResourceDemand(ports=(5000,)))], inventory)
    assert put.host == "h1"


def old_task(control=100, channels=(200, 201), fixed=()):
    launch = Launch(mode=ControlMode.FAIRMQ, value="x", control_port=control, ports=(*channels, *fixed))
    return planned("a", "h1", launch=launch, ports=(control, *channels, *fixed))


@settings(deadline=None)
@given(st.sets(st.sampled_from([100, 200, 201]), min_size=1))
def test_a_replaced_task_keeps_the_ports_that_were_not_refused(ports):
    inventory, old = inventory_of(h1="n1"), old_task(fixed=(5000,))
    inventory.allocate_tasks(EnvironmentId("E"), [old])
    inventory.refuse_ports(HostId("h1"), ports, old.ports, at=0.0)
    request = device(channels=2, before=old, wants=ResourceDemand(ports=(5000,)))
    (put,) = schedule([request], inventory)
    assert not ports_of(put) & ports
    assert (put.control_port == 100) is (100 not in ports)
    kept = [now == was for now, was in zip(put.channel_ports, (200, 201), strict=True)]
    assert kept == [200 not in ports, 201 not in ports]


# --- the machine of an environment --------------------------------------------------------------


def running(policy="restart", **variables):
    tasks = planned("a", "h1"), planned("b", "h2", recovery=policy)
    agents = FakeAgents(Environment("E", plan_of(*tasks, **variables)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    agents.effects.clear()
    return agents


def fail(agents, task="b", **details):
    revision = agents.environment.model.revision
    dead = agents.failed(task, revision=revision, **details)
    agents.take(
        TasksMoved(at=agents.at, host=agents.environment.model.tasks.tasks[task].host, reports=(dead,))
    )
    return agents


def searches(agents):
    return [(effect.tasks, effect.ports) for effect in agents.last if isinstance(effect, Reschedule)]


def refuse(agents, task="b"):
    return fail(agents, task, reason="port 30000 is in use", taken_ports=(30000,))


def test_a_restart_that_is_refused_for_a_port_gets_other_ports_and_counts_for_nothing():
    agents = fail(running(recovery_restarts="1"))
    agents.wait_out()
    assert agents.environment.model.restarts.history["b"]
    refuse(agents)
    assert searches(agents) == [(("b",), True)]
    assert agents.environment.model.state is S.RUNNING
    assert agents.environment.model.restarts.history["b"] == []
    assert agents.environment.model.restarts.pending == {}


def test_a_task_on_a_new_port_joins_the_run_and_its_peers_are_reconfigured():
    agents = refuse(running())
    a = replace(agents.environment.model.plan.tasks[0], properties={"chans.data.0.address": "tcp://h2:9001"})
    agents.take(Modified(at=agents.at, request="m", plan=plan_of(a, planned("b2", "h2"))))
    assert {order.task for command in agents.commands() for order in command.orders} == {"a", "b2"}
    agents.accept_command()
    assert (agents.environment.model.state, agents.environment.model.run.number) == (S.RUNNING, 17)


def test_where_no_other_port_is_free_the_run_ends_with_the_reason():
    agents = refuse(running())
    agents.take(RescheduleFailed(at=agents.at, tasks=("b",), reason="no control port left"))
    assert agents.environment.model.state is S.ERROR
    assert "no control port left" in agents.environment.model.error
    assert "wider range" in agents.environment.model.error


def test_a_task_whose_ports_are_always_refused_fails_after_a_number_of_changes():
    agents = running(recovery_restarts="0")
    changes = 0
    for number in range(MAX_PORT_CHANGES + 1):
        agents.at += 1
        fail(agents, reason=f"port {number} is in use", taken_ports=(number,))
        changes += len(searches(agents))
    assert changes == MAX_PORT_CHANGES
    assert agents.environment.model.state is S.ERROR


def test_with_the_policy_fail_a_refused_port_is_an_error():
    assert refuse(running("fail")).environment.model.state is S.ERROR


def test_a_refused_task_that_a_user_restarts_gets_another_port():
    agents = refuse(running("ignore"))
    agents.take(RecoverTask(at=agents.at, task="b", user="teo", manual=True))
    assert searches(agents) == [(("b",), True)]
