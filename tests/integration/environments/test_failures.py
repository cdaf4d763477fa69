"""Bad input is refused before anything starts; what fails says all there is to know and leaves nothing."""

import socket
from contextlib import closing

import pytest

pytestmark = pytest.mark.integration

HANGING = """
import time
from salt_o2.device import Device

class Hanging(Device):
    def init_task(self):
        time.sleep(600)

class Failing(Device):
    def init_task(self):
        raise RuntimeError("no such electronics")
"""


@pytest.fixture
def devices(workshop):
    """The folder of two devices that misbehave in CONFIGURE, as a PYTHONPATH entry."""
    path = workshop.folder / "misbehaving.py"
    path.write_text(HANGING)
    workshop.created.append(path)
    return f"PYTHONPATH={workshop.folder}"


def test_an_unknown_workflow_is_refused_with_the_known_workflows(workshop):
    message = workshop.refused("fairmq-ex-1-m-1")
    assert "fairmq-ex-1-n-1" in message


def test_a_template_with_a_wrong_key_is_refused_with_its_line_and_the_nearest_key(workshop):
    workshop.write("workflows", "typo", roles=[{"name": "a", "tusk": {"load": "fairmq-ex-1-n-1-sink"}}])
    message = workshop.refused("typo")
    for fact in ("typo.yaml:", "tusk", "task"):
        assert fact in message


def test_a_template_with_an_unknown_variable_is_refused_with_its_name(workshop):
    workshop.task("receiver", "o2-device", "sink")
    role = {"name": "a{{ unknown }}", "task": {"load": "receiver"}}
    workshop.write("workflows", "blank", roles=[role])
    assert "unknown" in workshop.refused("blank")


def test_an_unbound_target_is_refused(workshop):
    workshop.task("receiver", "o2-device", "sink")
    connect = [{"name": "data", "type": "pull", "target": "{{ Parent() }}.missing:data"}]
    role = {"name": "a", "connect": connect, "task": {"load": "receiver"}}
    workshop.write("workflows", "lonely", roles=[role])
    assert "missing:data" in workshop.refused("lonely")


def test_a_workflow_that_no_host_can_take_is_refused_with_the_reason(workshop):
    workshop.task("huge", "o2-device", "sink", wants={"cpu": 1000, "memory": 1})
    message = workshop.refused(workshop.workflow("too-big", "huge"))
    assert "cpu" in message.lower()
    assert "too-big.role0" in message


def test_a_constraint_that_no_host_meets_is_named_in_the_refusal(workshop):
    workshop.task("receiver", "o2-device", "sink")
    constraints = [{"attribute": "detector", "value": "XYZ"}]
    role = {"name": "a", "constraints": constraints, "task": {"load": "receiver"}}
    workshop.write("workflows", "elsewhere", roles=[role])
    message = workshop.refused("elsewhere")
    assert "detector" in message
    assert "XYZ" in message


def test_a_command_that_does_not_exist_is_named_with_its_role_and_host(workshop):
    workshop.task("ghost", "no-such-program")
    message = workshop.refused(workshop.workflow("haunted", "ghost"))
    for fact in ("haunted.role0", "flp", "launch", "no-such-program"):
        assert fact in message


def test_a_program_that_dies_at_start_is_reported_with_its_last_output(workshop):
    workshop.task("mayfly", "echo I cannot live; exit 3", command={"shell": True})
    message = workshop.refused(workshop.workflow("short", "mayfly"), deploy_timeout_s=20)
    for fact in ("short.role0", "exit code 3", "I cannot live"):
        assert fact in message


def test_a_device_that_hangs_in_configure_ends_in_an_error_within_its_deadline(workshop, devices):
    workshop.task("hanging", "o2-device", "misbehaving:Hanging", command={"env": [devices]})
    message = workshop.refused(workshop.workflow("stuck", "hanging"), configure_timeout_s=2)
    for fact in ("stuck.role0", "CONFIGURE", "flp"):
        assert fact in message


def test_a_device_that_answers_with_an_error_is_reported_with_its_last_output(workshop, devices):
    workshop.task("failing", "o2-device", "misbehaving:Failing", command={"env": [devices]})
    message = workshop.refused(workshop.workflow("broken", "failing"))
    assert "broken.role0" in message
    assert "no such electronics" in message


def test_a_busy_port_is_named_with_its_program(workshop):
    with closing(socket.socket()) as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        bind = [{"name": "data", "type": "push", "target": f"tcp://*:{port}"}]
        workshop.task("crowded", "o2-device", "sampler", bind=bind)
        message = workshop.refused(workshop.workflow("busy", "crowded"))
    assert str(port) in message
    assert "busy.role0" in message


def test_a_task_that_fails_at_creation_ends_the_others_and_no_process_stays(workshop):
    workshop.task("ghost", "no-such-program")
    workshop.task("good", "o2-device", "sampler")
    assert "no-such-program" in workshop.refused(workshop.workflow("mixed", "good", "ghost"))
    assert workshop.cluster.ask("task_list") == []


def test_a_failed_environment_can_still_be_examined(workshop):
    workshop.task("ghost", "no-such-program")
    workshop.refused(workshop.workflow("haunted", "ghost"))
    past = workshop.cluster.ask("env_list", all=True)[-1]
    assert past["state"] == "DONE"
    assert "no-such-program" in past["error"]


def test_a_transition_from_the_wrong_state_is_refused_with_the_possible_transitions(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    done = workshop.cluster.run("coconut", "env", "control", environment["id"], "-e", "STOP")
    assert done.returncode != 0
    assert "START_ACTIVITY" in done.stdout + done.stderr


def test_a_running_environment_is_not_destroyed_by_mistake(workshop):
    environment = workshop.control(workshop.create("fairmq-ex-copypush"), "START_ACTIVITY")
    done = workshop.cluster.run("coconut", "env", "destroy", environment["id"])
    assert done.returncode != 0
    assert workshop.show(environment)["state"] == "RUNNING"
    assert workshop.cluster.run("coconut", "env", "destroy", environment["id"], "-a").returncode == 0
