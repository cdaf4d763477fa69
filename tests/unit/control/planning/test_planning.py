"""Plans: command line and arguments of every placed task."""

import pytest

from salt_o2.control.planning.plan_builder import request_of
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import PlanError, TemplateError
from salt_o2.core.plan.plan import Plan
from salt_o2.core.states import ControlMode
from tests.support.builders.templates import expand, facts, inventory, plan

DEVICE = """
name: {name}
control: {{mode: {mode}}}
wants: {{cpu: 0.5, memory: 100, ports: "{ports}"}}
{bind}
command: {{value: "{name}-program", arguments: [--task, "{{{{ task_id }}}}"]}}
properties: {{colour: "{{{{ $env?.shade ?? 'red' }}}}"}}
"""


def device(name, mode="fairmq", bind="", ports=""):
    return DEVICE.format(name=name, mode=mode, ports=ports, bind=f"bind: [{bind}]" if bind else "")


def role(name, task, connect="", extra=""):
    channels = f"connect: [{connect}]," if connect else ""
    return f"  - {{name: {name}, {channels} {extra} task: {{load: {task}}}}}\n"


def workflow(*roles, **tasks):
    return expand("name: root\nroles:\n" + "".join(roles), tasks)


SAMPLER = device("sampler", bind="{name: data, type: push}")
PAIR = (
    role("sampler", "sampler"),
    role("sink", "sink", "{name: in, type: pull, target: 'root.sampler:data'}"),
)


@pytest.fixture
def pair():
    """A sampler on flp1 and a sink on flp2."""
    hosts = inventory(flp1=facts("10.0.0.1"), flp2=facts("10.0.0.2"))
    return plan(workflow(*PAIR, sampler=SAMPLER, sink=device("sink")), hosts)


def test_a_plan_has_the_tree_with_the_tasks_in_its_leaves(pair):
    assert (pair.workflow, pair.revision, pair.root.name) == ("w", "in memory", "root")
    assert [(leaf.path, leaf.task) for leaf in pair.root.roles] == [
        ("root.sampler", "T0"),
        ("root.sink", "T1"),
    ]
    assert [(task.id, task.path, task.class_name) for task in pair.tasks] == [
        ("T0", "root.sampler", "sampler"),
        ("T1", "root.sink", "sink"),
    ]


def test_a_connected_channel_leads_to_the_host_and_port_of_its_peer(pair):
    sampler, sink = pair.tasks
    assert (sampler.host, sink.host) == ("flp1", "flp2")
    assert sampler.properties["chans.data.0.address"] == "tcp://*:9000"
    assert sink.properties["chans.in.0.address"] == "tcp://10.0.0.1:9000"


@pytest.mark.finding("2.3")
@pytest.mark.parametrize(
    ("bindable", "bound"),
    [("10.0.0.1", "tcp://10.0.0.1:9000"), ("", "tcp://*:9000"), ("10.9.9.9", "tcp://*:9000")],
    ids=["its own", "translated", "not the declared one"],
)
def test_a_channel_binds_the_address_of_its_host_if_the_machine_has_that_address(bindable, bound):
    hosts = inventory(flp1=facts("10.0.0.1", bindable=bindable), flp2=facts("10.0.0.2"))
    sampler, sink = plan(workflow(*PAIR, sampler=SAMPLER, sink=device("sink")), hosts).tasks
    assert sampler.properties["chans.data.0.address"] == bound
    assert sink.properties["chans.in.0.address"] == "tcp://10.0.0.1:9000"


def test_properties_have_the_environment_and_what_the_template_says(pair):
    for task in pair.tasks:
        assert task.properties["environment_id"] == "ENV"
        assert task.properties["colour"] == "red"


def test_a_launch_has_the_ports_to_bind_and_a_task_all_ports_that_it_allocates(pair):
    sampler, sink = pair.tasks
    assert (sampler.launch.control_port, sampler.launch.ports) == (30000, (9000,))
    assert (sampler.ports, sink.ports) == ((30000, 9000), (30000,))


def test_a_planned_task_has_the_resource_demand_of_its_template(pair):
    assert [(task.cpu, task.memory_mb) for task in pair.tasks] == [(0.5, 100.0)] * 2


def test_a_plan_survives_the_wire(pair):
    assert typed(plain(pair), Plan) == pair


def test_allocations_of_one_plan_are_not_given_to_the_next():
    hosts = inventory()
    found = workflow(*PAIR, sampler=SAMPLER, sink=device("sink"))
    first = plan(found, hosts)
    hosts.allocate("E1", first)
    second = plan(found, hosts)
    taken = [port for each in (first, second) for task in each.tasks for port in task.ports]
    assert len(set(taken)) == len(taken) == 6


def test_planning_alone_allocates_nothing():
    hosts = inventory()
    found = workflow(*PAIR, sampler=SAMPLER, sink=device("sink"))
    assert plan(found, hosts) == plan(found, hosts)


def test_a_basic_task_has_no_control_port_no_codec_to_speak_and_no_properties():
    (task,) = plan(workflow(role("script", "script"), script=device("script", mode="basic"))).tasks
    assert task.launch.mode is ControlMode.BASIC
    assert task.launch.control_port is None
    assert task.launch.arguments == ("--task", "T0")
    assert (task.properties, task.ports) == ({}, ())


def test_a_direct_task_uses_occ_and_gets_its_port_only():
    (task,) = plan(workflow(role("readout", "readout"), readout=device("readout", mode="direct"))).tasks
    assert task.launch.codec == "OCC"
    assert task.launch.arguments == ("--task", "T0", "--control-port", "30000")
    assert task.properties["environment_id"] == "ENV"


def test_static_ports_and_fixed_addresses_are_taken_and_bound():
    bind = "{name: data, type: push, target: 'tcp://*:5555'}, {name: more, type: push}"
    (task,) = plan(workflow(role("s", "s"), s=device("s", bind=bind, ports="80-82"))).tasks
    assert task.launch.ports == (9000, 80, 81, 82, 5555)
    assert task.ports == (30000, 9000, 80, 81, 82, 5555)
    assert task.properties["chans.data.0.address"] == "tcp://*:5555", "as the template wants it"


def test_a_request_counts_only_channels_that_need_a_port():
    bind = "{name: a, type: push}, {name: b, type: pub, addressing: ipc}, {name: c, type: push, target: 'tcp://*:7'}"
    (task,) = workflow(role("s", "s"), s=device("s", bind=bind)).tasks
    found = request_of(task)
    assert (found.channels, found.wants.ports, found.control_port) == (1, (7,), True)


IPC = device("sampler", bind="{name: data, type: push, addressing: ipc}")


def test_sockets_join_tasks_of_one_host():
    sampler, sink = plan(workflow(*PAIR, sampler=IPC, sink=device("sink"))).tasks
    assert sampler.properties["chans.data.0.address"] == "ipc://@o2ipc-T0-0"
    assert sink.properties["chans.in.0.address"] == "ipc://@o2ipc-T0-0"
    assert sampler.launch.ports == ()


def test_sockets_between_hosts_are_refused_by_name():
    hosts = inventory(flp1=facts("10.0.0.1"), flp2=facts("10.0.0.2"))
    with pytest.raises(
        PlanError, match=r"root\.sink: channel in is on flp2, but its peer root\.sampler:data is on flp1"
    ):
        plan(workflow(*PAIR, sampler=IPC, sink=device("sink")), hosts)


def test_a_value_that_only_a_task_in_its_place_shows_to_be_wrong_is_refused():
    bad = device("bad").replace('"bad-program"', '"{{ task_id - 1 }}"')
    with pytest.raises(TemplateError, match=r"tasks/bad\.yaml:6: root\.x: - takes two values of one kind"):
        plan(workflow(role("x", "bad"), bad=bad))


def test_roles_that_cannot_be_placed_are_named():
    found = workflow(role("x", "s", extra="constraints: [{attribute: a, value: b}],"), s=device("s"))
    with pytest.raises(PlanError, match=r"root\.x: no host: none has a=b"):
        plan(found)


def test_a_plan_has_the_variables_of_the_root():
    assert (
        plan(expand("name: r\nvars: {n: 4}\nroles: [{name: x, task: {load: plain}}]")).variables["n"] == "4"
    )


def test_a_planned_task_is_critical_as_its_role_says():
    found = expand("name: r\nroles: [{name: x, task: {load: plain, critical: false}}]")
    assert plan(found).tasks[0].critical is False
