"""Programs of other owners have ports of a host's range: control plans around them, in repairs too."""

from dataclasses import replace

import pytest

from salt_o2.core.errors import PlanError
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Failure
from salt_o2.core.placement.inventory import REFUSED_S
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.reports import dead, done
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness, on_a_loop, until

PAIR = """
name: pair
roles:
  - name: left
    bind: [{name: data, type: push}]
    task: {load: end}
  - name: right
    connect: [{name: data, type: pull, target: "{{ Parent() }}.left:data"}]
    task: {load: end}
"""
END = """
name: end
control: {mode: fairmq}
wants: {cpu: 0, memory: 0}
command: {value: end}
"""


class Robbed(FakeHosts):
    """FakeHosts on which other programs have the ``stolen`` ports: launches that need one are refused."""

    def __init__(self, *names):
        super().__init__(*names)
        self.stolen = set()
        self.refusals = 0

    async def send(self, messages):
        for message in messages:
            if isinstance(message, Command):
                self.commands.append(message)
                self.report(message.host, *(self.answer(message, order) for order in message.orders))

    def answer(self, command, order):
        ports = set() if order.launch is None else {order.launch.control_port, *order.launch.ports}
        stolen = {port for host, port in self.stolen if host == command.host}
        if command.goal is TaskState.DONE or not ports & stolen:
            return done(command, order.task)
        self.refusals += 1
        failure = Failure(
            asked="launch",
            state="-",
            reason=f"port {min(ports & stolen)} is in use by process 1 (thief)",
            taken_ports=tuple(sorted(stolen)),
        )
        gone = {"state": TaskState.ERROR, "status": TaskStatus.INACTIVE, "pid": None}
        return done(command, order.task, failure=failure, **gone)


def templates(folder):
    (folder / "workflows").mkdir(exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "workflows" / "pair.yaml").write_text(PAIR)
    (folder / "tasks" / "end.yaml").write_text(END)
    return folder


def find(environment, path):
    return next(task for task in environment.model.tasks.plan.tasks if task.path == path)


def kill(room, environment, task):
    report = environment.model.tasks.reports[task.id]
    room.hosts.report(task.host, dead(task.id, environment.model.id, report.revision))


def is_back(environment, path):
    report = environment.model.tasks.reports.get(find(environment, path).id)
    return environment.model.active is None and report is not None and report.state is TaskState.RUNNING


@on_a_loop
async def test_a_creation_whose_ports_are_taken_gets_other_ports_at_once(tmp_path):
    hosts = Robbed("flp1")
    hosts.stolen = {("flp1", port) for port in (30000, 30001, 9000)}
    async with control_harness(templates(tmp_path), bus=hosts) as room:
        made = await room.ask("env_create", workflow="pair")
        assert made["state"] == "CONFIGURED"
        assert {port for task in made["tasks"] for port in [task["control_port"]]} == {30002, 30003}
        assert len(room.control.active) == 1


@on_a_loop
async def test_refused_ports_are_withheld_from_the_next_creation_and_offered_again_later(tmp_path):
    now = [1000.0]
    hosts = Robbed("flp1")
    hosts.stolen = {("flp1", 30000)}
    async with control_harness(templates(tmp_path), bus=hosts, clock=lambda: now[0]) as room:
        await room.ask("env_create", workflow="pair")
        assert hosts.refusals == 1
        await room.ask("env_create", workflow="pair")
        assert hosts.refusals == 1
        now[0] += REFUSED_S
        hosts.stolen.clear()
        hosts.heartbeat("flp1")
        again = await room.ask("env_create", workflow="pair")
        assert 30000 in {task["control_port"] for task in again["tasks"]}


@on_a_loop
async def test_a_creation_without_any_free_port_fails_with_the_reason(tmp_path):
    hosts = Robbed("flp1")
    hosts.stolen = {("flp1", port) for port in range(30000, 32768)}
    async with control_harness(templates(tmp_path), bus=hosts) as room:
        with pytest.raises(PlanError, match=r"no control port left in 30000-32767"):
            await room.ask("env_create", workflow="pair")
        assert room.control.active == {}


@pytest.mark.parametrize("stolen", ["control", "channel", "both"])
@on_a_loop
async def test_a_restart_takes_another_port_and_peers_are_reconfigured(tmp_path, stolen):
    hosts = Robbed("flp1", "flp2")
    async with control_harness(templates(tmp_path), bus=hosts) as room:
        variables = {"recovery_restarts": 1, "recovery_grace_s": 0.01}
        made = await room.ask("env_create", workflow="pair", vars=variables)
        await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
        environment = room.environment(made["id"])
        left, right = find(environment, "pair.left"), find(environment, "pair.right")
        channel, control = left.launch.ports[0], left.launch.control_port
        ports = {"control": {control}, "channel": {channel}, "both": {control, channel}}[stolen]
        hosts.stolen = {(left.host, port) for port in ports}
        kill(room, environment, left)
        await until(lambda: hosts.refusals and is_back(environment, "pair.left"))
        again, peer = find(environment, "pair.left"), find(environment, "pair.right")
        assert (environment.model.state, again.host) == ("RUNNING", left.host)
        assert not {again.launch.control_port, *again.launch.ports} & ports
        assert (again.launch.control_port == control) is (stolen == "channel")
        assert (again.launch.ports[0] == channel) is (stolen == "control")
        assert peer.id == right.id
        assert (peer.properties == right.properties) is (stolen == "control")
        assert peer.properties["chans.data.0.address"].endswith(f":{again.launch.ports[0]}")
        assert is_back(environment, "pair.right")
        assert not any(environment.model.restarts.history.values()), "the refusal is no restart"


@on_a_loop
async def test_two_tasks_with_refused_ports_are_both_restarted(tmp_path):
    hosts = Robbed("flp1", "flp2")
    async with control_harness(templates(tmp_path), bus=hosts) as room:
        variables = {"recovery_restarts": 1, "recovery_grace_s": 0.01}
        made = await room.ask("env_create", workflow="pair", vars=variables)
        await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
        environment = room.environment(made["id"])
        both = [find(environment, "pair.left"), find(environment, "pair.right")]
        hosts.stolen = {(task.host, task.launch.control_port) for task in both}
        for task in both:
            kill(room, environment, task)
        await until(lambda: hosts.refusals == 2)
        await until(lambda: is_back(environment, "pair.left") and is_back(environment, "pair.right"))
        assert environment.model.state == "RUNNING"
        assert environment.model.tasks.excluded == {}


@on_a_loop
async def test_a_port_that_is_taken_while_the_task_moves_is_withheld_too(tmp_path):
    hosts = Robbed("flp1")
    async with control_harness(templates(tmp_path), bus=hosts) as room:
        made = await room.ask("env_create", workflow="pair", vars={"recovery_grace_s": 0.01})
        await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
        environment = room.environment(made["id"])
        left = find(environment, "pair.left")
        told = (left.launch.control_port,)
        hosts.stolen = {("flp1", port) for port in (*told, 30002)}
        answer = hosts.answer

        def answer_in_part(command, order):
            report = answer(command, order)
            if report.failure and left.id == order.task:  # the thief of 30002 comes a moment later
                return replace(report, failure=replace(report.failure, taken_ports=told))
            return report

        hosts.answer = answer_in_part
        kill(room, environment, left)
        await until(lambda: is_back(environment, "pair.left") and environment.model.tasks.excluded == {})
        assert find(environment, "pair.left").launch.control_port == 30003
        assert environment.model.state == "RUNNING"
        assert made["id"] in room.control.active
