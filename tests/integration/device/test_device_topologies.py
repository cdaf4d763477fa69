"""Real devices exchange real messages."""

import asyncio
import json
import os
import re
import signal

import pytest
import zmq

from salt_o2.core.states import ControlMode, TaskEvent, TaskState
from salt_o2.device.conformance.device_under_test import channel_properties, free_port
from salt_o2.occ.driver import Remedy, send_event
from tests.support.harness.device_topology import OURS, Stage, diamond

pytestmark = pytest.mark.integration

PREFIX = os.environ.get("O2_FAIRMQ_PREFIX", "")
needs_fairmq = pytest.mark.skipif(not PREFIX, reason="O2_FAIRMQ_PREFIX names no FairMQ installation")


def ours(kind):
    return [OURS, *kind]


def theirs(kind):
    return [f"{PREFIX}/bin/fairmq-ex-1-n-1-{kind[0]}", "-S", f"{PREFIX}/lib", "--color", "false"]


@pytest.fixture
def addresses(request, tmp_path):
    """Two addresses of one kind, each as it is bound and as its peers see it."""
    match request.param:
        case "tcp":
            ports = [free_port(), free_port()]
            return [(f"tcp://*:{port}", f"tcp://127.0.0.1:{port}") for port in ports]
        case "path":
            return [(f"ipc://{tmp_path / name}",) * 2 for name in ("a", "b")]
        case "abstract":
            return [(f"ipc://@{tmp_path.name}-{os.getpid()}-{name}",) * 2 for name in ("a", "b")]


async def two_cycles(stage, codec, addresses, command_of, fast=("--rate", "200")):
    """Bring the diamond up, let messages come to the sink, twice; return the devices, ended."""
    properties = diamond(*addresses)
    kinds = {"sampler": ["sampler", *fast], "sink": ["sink"]}
    commands = {name: command_of[name](kinds.get(name, ["processor"])) for name in properties}
    devices = {name: stage.start(name, command, codec) for name, command in commands.items()}
    await asyncio.gather(*(device.ready() for device in devices.values()))
    for cycle in (1, 2):
        await asyncio.gather(*(devices[name].fire("CONFIGURE", properties[name]) for name in devices))
        run, before = {"runNumber": str(cycle)}, len(devices["sink"].text())
        await asyncio.gather(*(device.fire("START", run) for device in devices.values()))
        for processor in ("processor1", "processor2"):
            await devices["sink"].says(rf"Received: .*modified by {processor}", since=before)
        for event in ("STOP", "RESET"):
            await asyncio.gather(*(device.fire(event) for device in devices.values()))
    await asyncio.gather(*(device.fire("EXIT") for device in devices.values()))
    assert [await device.code() for device in devices.values()] == [0, 0, 0, 0]
    return devices


def everywhere(command):
    return dict.fromkeys(("sampler", "processor1", "processor2", "sink"), command)


@pytest.mark.parametrize("codec", ["OCClite", "OCC"])
@pytest.mark.parametrize("addresses", ["tcp", "path", "abstract"], indirect=True)
def test_messages_reach_the_sink_through_both_processors_in_two_cycles(tmp_path, codec, addresses):
    async def scene():
        async with Stage(tmp_path) as stage:
            return await two_cycles(stage, codec, addresses, everywhere(ours))

    devices = asyncio.run(scene())
    rates = re.findall(r"^rate: ([\d.]+) msg/s total: (\d+) missing: (\d+)$", devices["sink"].text(), re.M)
    assert rates, devices["sink"].text()
    assert int(rates[-1][1]) > 0
    assert {missing for _, _, missing in rates} == {"0"}


@needs_fairmq
@pytest.mark.parametrize("addresses", ["tcp", "path", "abstract"], indirect=True)
def test_fairmqs_devices_are_driven_in_the_same_way(tmp_path, addresses):
    async def scene():
        async with Stage(tmp_path) as stage:
            await two_cycles(stage, "OCClite", addresses, everywhere(theirs))

    asyncio.run(scene())


@needs_fairmq
@pytest.mark.parametrize("addresses", ["tcp", "abstract"], indirect=True)
@pytest.mark.parametrize("foreign", ["sampler", "processor1", "sink"])
def test_ours_and_fairmqs_devices_understand_each_others_messages(tmp_path, addresses, foreign):
    async def scene():
        async with Stage(tmp_path) as stage:
            await two_cycles(stage, "OCC", addresses, everywhere(ours) | {foreign: theirs})

    asyncio.run(scene())


@needs_fairmq
def test_the_parts_of_a_fairmq_multipart_message_arrive_as_parts(tmp_path):
    command = [f"{PREFIX}/bin/fairmq-ex-multipart-sampler", "-S", f"{PREFIX}/lib", "--color", "false"]
    address = f"ipc://@{tmp_path.name}-{os.getpid()}"

    async def scene():
        async with Stage(tmp_path) as stage:
            sink, sampler = stage.start("sink", ours(["sink"])), stage.start("sampler", command)
            for device, kind, method in ((sink, "pull", "bind"), (sampler, "push", "connect")):
                await device.ready()
                await device.fire("CONFIGURE", channel_properties("data", kind, method, address))
                await device.fire("START")
            return await sink.says(r'Received: "(.*)"')

    parts = asyncio.run(scene())[0].split(" | ")
    assert len(parts) > 1


def one(tmp_path, kind, talk, codec="OCClite"):
    """Start one device, wait until it is ready, and return what ``talk(device)`` returns."""

    async def scene():
        async with Stage(tmp_path) as stage:
            device = stage.start(kind[0].replace(":", "-"), ours(kind), codec)
            await device.ready()
            return await talk(device)

    return asyncio.run(scene())


async def start_and_return(device):
    """START a device that goes back to READY by itself, perhaps before it has answered."""
    outcome = await send_event(device.channel, device.mode, TaskEvent.START, {}, 20)
    assert outcome.failure is None or "without an order" in outcome.failure.reason
    await device.reaches("READY")


def output_to(tmp_path):
    return channel_properties("data", "push", "connect", f"ipc://{tmp_path / 'out'}")


@pytest.fixture
def peer(tmp_path):
    """A plain ZeroMQ socket at the other end of the channel."""
    with zmq.Context() as context, context.socket(zmq.PULL) as found:
        found.set(zmq.RCVTIMEO, 20_000)
        found.set(zmq.LINGER, 0)
        found.bind(f"ipc://{tmp_path / 'out'}")
        yield found


@pytest.mark.parametrize("codec", ["OCClite", "OCC"])
def test_a_device_that_is_done_goes_back_to_ready_by_itself_and_can_run_again(tmp_path, peer, codec):
    async def talk(device):
        await device.fire("CONFIGURE", output_to(tmp_path))
        for _ in range(2):
            await start_and_return(device)
            assert peer.recv_multipart()
        assert (await device.fire("STOP")).state is TaskState.CONFIGURED
        await device.fire("EXIT")
        return await device.code()

    assert one(tmp_path, ["sampler", "--max-iterations", "1"], talk, codec) == 0


def test_rates_are_printed_for_channels_that_want_them(tmp_path):
    async def talk(device):
        await device.fire("CONFIGURE", output_to(tmp_path) | {"chans.data.0.rateLogging": "1"})
        await device.fire("START")
        await device.says(r"data\[0\]: in: 0 \(0 MB\) out: \d+ \(")
        await device.fire("STOP")

    one(tmp_path, ["sampler"], talk)


def test_a_users_device_of_ten_lines_runs(tmp_path, peer):
    (tmp_path / "counting.py").write_text(
        "from salt_o2.device import Device\n"
        "class Counter(Device):\n"
        "    def init_task(self):\n"
        "        self.n = int(self.properties.get('first', 0))\n"
        "    def run(self):\n"
        "        while self.running and self.n < 12:\n"
        "            self.send('data', [b'%d' % self.n, b'tail'])\n"
        "            self.n += 1\n"
    )

    async def talk(device):
        await device.fire("CONFIGURE", output_to(tmp_path) | {"first": "10"})
        await start_and_return(device)
        return [peer.recv_multipart() for _ in range(2)]  # what a device that is killed has not sent is lost

    assert one(tmp_path, ["counting:Counter"], talk) == [[b"10", b"tail"], [b"11", b"tail"]]


def test_a_fault_in_a_users_device_is_printed_with_its_place_and_ends_the_device_with_1(tmp_path):
    (tmp_path / "faulty.py").write_text(
        "from salt_o2.device import Device\n"
        "class Faulty(Device):\n"
        "    def init_task(self):\n"
        "        return 1 / 0\n"
    )

    async def talk(device):
        outcome = await send_event(device.channel, device.mode, TaskEvent.CONFIGURE, output_to(tmp_path), 20)
        assert (outcome.state, outcome.failure.asked, outcome.remedy) == (
            TaskState.ERROR,
            "INIT TASK",
            Remedy.KILL,
        )
        return await device.code(), device.text()

    code, text = one(tmp_path, ["faulty:Faulty"], talk)
    assert code == 1
    assert "ZeroDivisionError" in text
    assert "faulty.py" in text


@pytest.mark.parametrize("where", ["device", "channel"])
def test_shared_memory_is_refused_with_the_reason(tmp_path, where):
    key = "transport" if where == "device" else "chans.data.0.transport"

    async def talk(device):
        arguments = output_to(tmp_path) | {key: "shmem"}
        outcome = await send_event(device.channel, device.mode, TaskEvent.CONFIGURE, arguments, 20)
        assert outcome.state is TaskState.ERROR
        return await device.code(), device.text()

    code, text = one(tmp_path, ["sampler"], talk)
    assert code == 1
    assert "shmem, which only C++ devices have" in text


def test_a_second_interrupt_ends_a_device_that_does_not_come_down(tmp_path):
    (tmp_path / "stubborn.py").write_text(
        "import time\n"
        "from salt_o2.device import Device\n"
        "class Stubborn(Device):\n"
        "    def run(self):\n"
        "        print('deaf', flush=True)\n"
        "        while True:\n"
        "            time.sleep(0.01)\n"
    )

    async def talk(device):
        await device.fire("CONFIGURE", output_to(tmp_path))
        await device.fire("START")
        await device.says("deaf")
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            await asyncio.sleep(0.1)
            assert device.process.poll() is None
            device.process.send_signal(number)
        return await device.code()

    assert one(tmp_path, ["stubborn:Stubborn"], talk) == -signal.SIGABRT


def test_an_unknown_host_keeps_connect_waiting_and_then_fails(tmp_path):
    async def talk(device):
        channel = channel_properties("data", "push", "connect", "tcp://no-such-host.invalid:1")
        outcome = await send_event(device.channel, device.mode, TaskEvent.CONFIGURE, channel, 25)
        assert (outcome.state, outcome.failure.asked) == (TaskState.ERROR, "CONNECT")
        return await device.code()

    assert one(tmp_path, ["sampler", "--init-timeout", "0"], talk) == 1


def test_a_taken_port_is_left_for_a_free_one_if_autobind_says_so(tmp_path, peer):
    port = free_port()
    with zmq.Context() as context, context.socket(zmq.PULL) as taken:
        taken.bind(f"tcp://*:{port}")

        async def talk(device):
            channel = channel_properties("data", "push", "bind", f"tcp://*:{port}")
            await device.fire("CONFIGURE", channel | {"chans.data.0.autoBind": "1"})

        one(tmp_path, ["sampler"], talk)


def test_a_device_without_a_plugin_runs_by_itself_on_its_own_channel_configuration(tmp_path, peer):
    async def scene():
        channel = f"name=data,type=push,method=connect,address=ipc://{tmp_path / 'out'},rateLogging=0"
        process = await asyncio.create_subprocess_exec(
            *(OURS, "sampler", "--id", "alone", "--text", "Hi", "--channel-config", channel),
            stdout=asyncio.subprocess.PIPE,
        )
        message = await asyncio.to_thread(peer.recv_multipart)
        process.send_signal(signal.SIGTERM)
        await process.communicate()
        return message, process.returncode

    message, code = asyncio.run(scene())
    assert re.fullmatch(rb"Hi #0 of alone\.\d+", message[0])
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "usage"),
        (["no-such-kind"], "unknown kind"),
        (["no_such_module:Device"], "No module named"),
        (["json:loads"], "not derived from"),
        (["sampler", "-P", "DDS"], "Could not load dynamic plugin"),
        (["sampler", "-P", "OCC", "--control-port", "many"], "control port"),
    ],
)
def test_a_command_line_that_makes_no_sense_ends_with_1_and_the_reason(arguments, complaint, tmp_path):
    async def scene():
        process = await asyncio.create_subprocess_exec(
            OURS, *arguments, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    code, output = asyncio.run(scene())
    assert code == 1
    assert complaint in output


@needs_fairmq
class TestLibOcc:
    """A process in direct mode: libOCC's own dummy."""

    def test_a_direct_task_is_driven_through_two_cycles_and_ended(self, tmp_path):
        async def scene():
            async with Stage(tmp_path) as stage:
                command = [f"{PREFIX}/bin/occexample-dummy-process"]
                process = stage.start("dummy", command, "OCC", ControlMode.DIRECT)
                await process.ready()
                states = []
                for _ in range(2):
                    for event in ("CONFIGURE", "START", "STOP", "RESET"):
                        states.append((await process.fire(event, {"runNumber": "7"})).device_state)
                refused = await send_event(process.channel, process.mode, TaskEvent.START, {}, 20)
                await process.fire("EXIT")
                return states, refused, await process.code()

        states, refused, code = asyncio.run(scene())
        assert states == ["CONFIGURED", "RUNNING", "CONFIGURED", "STANDBY"] * 2
        assert "START is not possible in STANDBY" in refused.failure.reason
        assert code == 0
        configs = list(tmp_path.glob("aliecs-dummyprocess-config-*.json"))
        assert all(json.loads(path.read_text()) is not None for path in configs)


@needs_fairmq
def test_a_rolled_back_device_of_fairmq_needs_a_restart(tmp_path):
    async def scene():
        async with Stage(tmp_path) as stage:
            device = stage.start("sampler", theirs(["sampler"]))
            await device.ready()
            properties = channel_properties("data1", "push", "connect", f"ipc://{tmp_path / 'x'}")
            for event, source in (("INIT DEVICE", "IDLE"), ("COMPLETE INIT", "INITIALIZING DEVICE")):
                await device.channel.transition(source, event, properties, 20)
            reset = await device.fire("RESET")
            again = await send_event(device.channel, device.mode, TaskEvent.CONFIGURE, properties, 20)
            await device.fire("EXIT")
            return reset, again, await device.code()

    reset, again, code = asyncio.run(scene())
    assert (reset.remedy, again.remedy, code) == (Remedy.RESTART, Remedy.RESTART, 0)
    assert "must be restarted" in again.failure.advice
