"""Channels: from role, ancestors and class to what the task will bind and connect."""

import pytest

from tests.support.builders.templates import expand, problems

SAMPLER = """
name: sampler
control: {mode: fairmq}
command: {value: device}
bind: [{name: data, type: push, transport: shmem, rateLogging: 10}]
"""
TASKS = {"sampler": SAMPLER}


def linked(connect: str, sampler: str = "") -> str:
    return f"""
    name: root
    roles:
      - {{name: sampler, {sampler} task: {{load: sampler}}}}
      - {{name: sink, connect: [{connect}], task: {{load: plain}}}}
    """


def test_a_channel_has_its_given_properties_and_fairmqs_defaults():
    found = expand(
        linked("{name: in, type: pull, target: '{{ parent }}.sampler:data', sndBufSize: 7}"), TASKS
    )
    (bound,), (connected,) = found.tasks[0].bind, found.tasks[1].connect
    assert (bound.name, bound.type, bound.transport, bound.rate_logging) == ("data", "push", "shmem", "10")
    assert (connected.target, connected.send_buffer, connected.receive_buffer) == (
        "root.sampler:data",
        "7",
        "1000",
    )


def test_a_role_gives_fields_of_its_classs_channels_and_the_others_stay():
    role = "bind: [{name: data, global: everywhere, rateLogging: 1}],"
    found = expand(linked("{name: in, type: pull, target: '::everywhere'}", role), TASKS)
    (bound,) = found.tasks[0].bind
    assert (bound.alias, bound.rate_logging, bound.type, bound.transport) == (
        "everywhere",
        "1",
        "push",
        "shmem",
    )


def test_channels_of_an_aggregator_reach_all_its_tasks_and_mean_its_own_place():
    source = """
    name: root
    roles:
      - {name: sampler, task: {load: sampler}}
      - name: group
        connect: [{name: in, type: pull, target: "{{ parent }}.sampler:data"}]
        roles:
          - {name: a, task: {load: plain}}
          - {name: b, connect: [{name: in, rateLogging: 3}], task: {load: plain}}
    """
    _, a, b = expand(source, TASKS).tasks
    assert [task.connect[0].target for task in (a, b)] == ["root.sampler:data"] * 2
    assert [task.connect[0].rate_logging for task in (a, b)] == ["0", "3"]


def test_a_class_may_name_a_channel_whose_target_the_role_gives():
    sink = "name: sink\ncontrol: {mode: fairmq}\ncommand: {value: d}\nconnect: [{name: in, type: pull}]\n"
    source = linked("{name: in, target: 'root.sampler:data'}").replace("load: plain", "load: sink")
    assert expand(source, TASKS | {"sink": sink}).tasks[1].connect[0].type == "pull"


@pytest.mark.parametrize("target", ["tcp://flp7:9000", "ipc:///tmp/socket", "ipc://@name"])
def test_an_address_needs_no_peer(target):
    found = expand(linked(f"{{name: in, type: pull, target: '{target}'}}"), TASKS)
    assert found.tasks[1].connect[0].target == target


def test_a_basic_task_takes_no_part_in_the_channels_of_the_roles_above():
    basic = "name: basic\ncontrol: {mode: basic}\ncommand: {value: script}\n"
    source = """
    name: root
    connect: [{name: in, type: pull, target: "root.sampler:data"}]
    roles:
      - {name: sampler, connect: [{name: in, target: "tcp://a:1"}], task: {load: sampler}}
      - {name: script, task: {load: basic}}
    """
    assert expand(source, TASKS | {"basic": basic}).tasks[1].connect == ()


@pytest.mark.parametrize(
    ("connect", "message"),
    [
        (
            "{name: in, type: pull, target: 'root.samplr:data'}",
            "nothing binds root.samplr:data (did you mean root.sampler:data?)",
        ),
        ("{name: in, type: pull, target: 'root.sampler:date'}", "(did you mean root.sampler:data?)"),
        ("{name: in, type: pull, target: '::nowhere'}", "nothing binds ::nowhere"),
        (
            "{name: in, type: push, target: 'root.sampler:data'}",
            "channel in is push, but root.sampler:data is push",
        ),
        (
            "{name: in, type: sub, target: 'root.sampler:data'}",
            "channel in is sub, but root.sampler:data is push",
        ),
        ("{name: in, type: pull}", "channel in has no target"),
        ("{name: in, target: 'root.sampler:data'}", "channel in has no type"),
        (
            "{name: in, type: poll, target: 'a:b'}",
            "type 'poll' is none of push, pull, pub, sub (did you mean pull?)",
        ),
        ("{name: in, type: pull, transport: tcp, target: 'a:b'}", "transport 'tcp' is none of"),
        (
            "{name: in, type: pull, sndBufSize: many, target: 'a:b'}",
            "sndBufSize must be a whole number, not 'many'",
        ),
        (
            "{name: in, type: pull, rateLogging: '', target: 'a:b'}",
            "rateLogging must be a whole number, not ''",
        ),
        (
            "{name: in, type: pull, adressing: tcp, target: 'a:b'}",
            "unknown key adressing in a channel of connect",
        ),
        ("{name: in, type: pull, target: '{{ x }}:b'}", "unknown variable x"),
        (
            "{name: in, type: pull, target: tcp://a:1}, {name: in, type: pull, target: tcp://a:1}",
            "channel in twice",
        ),
        ("{type: pull, target: 'a:b'}", "a channel of connect has no name"),
    ],
)
def test_a_channel_that_makes_no_sense_is_an_error(connect, message):
    found = problems(linked(connect), TASKS)
    assert any(message in problem for problem in found), found


def test_two_channels_of_one_global_name_are_an_error():
    source = """
    name: root
    roles:
      - {name: a, bind: [{name: data, global: g}], task: {load: sampler}}
      - {name: b, bind: [{name: data, global: g}], task: {load: sampler}}
    """
    assert problems(source, TASKS) == ["w.yaml:5: root.b: a second channel is global g"]


def test_a_bound_channel_binds_addresses_only():
    assert (
        "channel data binds root.x:y, which is no address"
        in problems(
            linked("{name: in, type: pull, target: tcp://a:1}", "bind: [{name: data, target: 'root.x:y'}],"),
            TASKS,
        )[0]
    )


def test_targets_are_not_checked_where_roles_are_missing_for_other_faults():
    source = linked(
        "{name: in, type: pull, target: 'root.sampler:data'}", 'vars: {a: "{{ missing }}"},'
    ).replace("name: sampler,", 'name: "{{ missing }}",')
    assert all("unknown variable missing" in problem for problem in problems(source, TASKS))
