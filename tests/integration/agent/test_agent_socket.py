"""The agent's socket, and the Salt execution modules that use it, as a minion loads them."""

import asyncio
import os
import stat

import pytest
import salt.config
import salt.loader
from salt.exceptions import CommandExecutionError, SaltInvocationError

from salt_o2.agent import server
from salt_o2.agent.storage import output_follow
from salt_o2.agent.task.task import Task
from salt_o2.client import agent_client
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.socket_paths import socket_path
from salt_o2.core.states import TaskState
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import ENVIRONMENT, HOST, basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules o2 and occ, loaded by Salt's own loader from the installed package."""
    root = tmp_path_factory.mktemp("minion")
    (root / "minion").write_text(f"root_dir: {root}\nid: flp1\n")
    opts = salt.config.minion_config(str(root / "minion"))
    opts["grains"] = {}
    modules = salt.loader.minion_mods(opts, whitelist=["o2", "occ"])
    return opts, modules


@pytest.fixture
def ask(perform, loaded, tmp_path):
    """Play a scene in which functions of the modules can be called; they block, so in a thread."""
    opts, modules = loaded
    sock_dir = tmp_path / "sock"

    def play(scene):
        async def with_server(stage):
            serving = asyncio.create_task(server.serve(stage.agent, sock_dir))
            opts["sock_dir"] = str(sock_dir)
            opts["o2"] = {"directory": str(stage.directory)}
            while not socket_path(sock_dir).exists():
                assert not serving.done()
                await asyncio.sleep(0.01)

            async def call(name, *arguments, **more):
                return await asyncio.to_thread(modules[name], *arguments, **more)

            try:
                await scene(stage, call)
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
                assert not socket_path(sock_dir).exists()

        perform(with_server)

    return play


def test_tasks_are_shown_by_name_with_their_command_line(ask):
    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        found = await call("o2.tasks")
        assert found["clock"]["state"] == "STANDBY"
        assert found["clock"]["command"] == "exec sleep 1000"
        assert await call("o2.tasks", ENVIRONMENT) == found
        assert await call("o2.tasks", "another") == {}

    ask(scene)


def test_a_manual_command_has_the_effect_of_a_command_on_the_bus(ask):
    async def scene(stage, call):
        order = Order(task=TaskId("clock"), launch=basic("exec sleep 1000"))
        command = {
            "host": HOST,
            "environment": ENVIRONMENT,
            "revision": 4,
            "goal": "RUNNING",
            "orders": [plain(order)],
        }
        answer = await call("o2.drive", command)
        assert answer == {"host": HOST, "environment": ENVIRONMENT, "revision": 4}
        await stage.until(lambda: stage.is_settled("clock", 4))
        stage.revision = 4
        assert stage.latest["clock"].state is RUNNING

    ask(scene)


def test_a_device_that_a_user_moves_stays_in_its_new_state(ask):
    async def scene(stage, call):
        await stage.launch(STANDBY, sink=device(), other=device())
        channel = data_channel(free_port())
        done = await call("o2.transition", "configure", "sink", arguments=channel)
        assert done == {"sink": {"state": "CONFIGURED", "failure": None}}
        await stage.until(lambda: stage.latest["sink"].state is CONFIGURED)
        both = await call("o2.transition", "START", ["sink", "other"])
        assert both["sink"] == {"state": "RUNNING", "failure": None}
        assert both["other"]["state"] == "STANDBY"
        assert "not possible in IDLE" in both["other"]["failure"]["reason"]
        (about,) = await stage.drive(STANDBY, "sink")
        assert (about.state, about.failure) == (STANDBY, None)

    ask(scene)


def test_a_manual_exit_ends_the_task_in_order(ask):
    async def scene(stage, call):
        await stage.launch(STANDBY, sink=device())
        await call("o2.transition", "EXIT", "sink")
        await stage.until(lambda: stage.latest["sink"].exit is not None)
        assert (stage.latest["sink"].state, stage.latest["sink"].exit.code) == (DONE, 0)

    ask(scene)


def test_a_task_that_a_user_kills_is_in_error_with_that_reason(ask):
    async def scene(stage, call):
        await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        assert await call("o2.kill", "clock") == {"clock": True}
        await stage.until(lambda: stage.latest["clock"].state is ERROR)
        assert "a user killed the process" in stage.latest["clock"].failure.reason

    ask(scene)


def test_the_log_is_shown_also_after_the_end(ask):
    async def scene(stage, call):
        await stage.launch(RUNNING, talker=basic("echo one; echo two; echo three >&2; exec sleep 1000"))
        await stage.until(lambda: stage.agent.output_of("talker").output_tail() != ())
        await stage.until(lambda: len(stage.agent.output_of("talker").output_tail()) == 3)
        said = {"stdout": ["one", "two"], "stderr": ["three"], "at": {"stdout": 8, "stderr": 6}}
        assert await call("o2.log", "talker") == said | {"over": False}
        await stage.drive(DONE, "talker")
        await stage.until(lambda: stage.agent.tasks() == [])
        last = await call("o2.log", "talker", lines=1)
        assert (last["stdout"], last["over"]) == (["two"], True)

    ask(scene)


def test_a_follower_gets_the_output_of_a_task_and_stops_at_its_end(ask, tmp_path):
    fifo = tmp_path / "words"
    os.mkfifo(fifo)

    async def scene(stage, call):
        await stage.launch(RUNNING, talker=basic(f"cat {fifo}; exec sleep 1000"))
        nowhere = {"stdout": 0, "stderr": 0}
        following = asyncio.create_task(call("o2.log", "talker", after=nowhere, wait=60))
        await asyncio.to_thread(fifo.write_text, "hello\n")
        heard = await following
        assert (heard["stdout"], heard["at"], heard["over"]) == (["hello"], {"stdout": 6, "stderr": 0}, False)
        following = asyncio.create_task(call("o2.log", "talker", after=heard["at"], wait=60))
        await stage.drive(DONE, "talker")
        heard = await following
        while not heard["over"]:  # its shell may have a last word
            heard = await call("o2.log", "talker", after=heard["at"], wait=60)

    ask(scene)


def test_info_describes_the_agent(ask):
    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("true"))
        found = await call("o2.info")
        assert (found["host"], found["tasks"], found["unsettled"]) == (HOST, 1, 0)
        assert found["incarnation"] == stage.reports[-1].incarnation
        assert found["facts"]["address"] == "127.0.0.1"

    ask(scene)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        pytest.param("o2.transition", ("FLY", "clock"), "FLY", id="unknown-event"),
        pytest.param("o2.transition", ("START", "nobody"), "no task 'nobody' on flp1", id="unknown-task"),
        pytest.param("o2.transition", ("START", []), "name one task", id="no-task"),
        pytest.param("o2.transition", ("START", "clock", "x"), "must be a map", id="arguments"),
        pytest.param("o2.transition", ("START", "clock", None, -1), "timeout", id="timeout"),
        pytest.param("o2.drive", ({"host": "flp1"},), "not a Command", id="half-a-command"),
        pytest.param("o2.drive", ("DONE",), "must be a map", id="no-command"),
        pytest.param("o2.kill", ({},), "name one task", id="kill-nothing"),
        pytest.param("o2.log", ("../../etc/passwd",), "no task", id="path-as-task"),
        pytest.param("o2.log", ("clock", 0), "lines must be", id="no-lines"),
        pytest.param("o2.log", ("clock", 1, 5, {}, 3600), "wait must be", id="a-long-wait"),
        pytest.param("o2.log", ("clock", 1, 5, {"stdout": "x"}, 1), "not a dict", id="no-place"),
        pytest.param("occ.get_state", (0,), "a port is", id="port-0"),
        pytest.param("occ.get_state", ("http",), "a port is", id="port-name"),
        pytest.param("occ.get_state", (30000, "JSON"), "codec is one of", id="codec"),
    ],
)
def test_invalid_arguments_of_a_module_function_are_refused_with_the_reason(ask, name, arguments, said):
    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("true"))
        with pytest.raises(SaltInvocationError, match=said):
            await call(name, *arguments)

    ask(scene)


def test_a_failed_kill_of_one_task_hides_no_successful_kill_of_another(ask, monkeypatch):
    kill = Task.kill

    async def broken(task):
        if task.id == "clock":
            raise OSError("x")
        return await kill(task)

    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"), other=basic("exec sleep 1000"))
        monkeypatch.setattr(Task, "kill", broken)
        assert await call("o2.kill", "clock,other") == {"clock": False, "other": True}
        with pytest.raises(CommandExecutionError, match="the agent failed"):
            await call("o2.kill", "clock")

    ask(scene)


def test_a_defect_of_the_agent_is_not_blamed_on_the_caller(ask, monkeypatch):
    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("true"))
        monkeypatch.setattr(output_follow, "read_tail", lambda *_: len(None))
        with pytest.raises(CommandExecutionError, match="the agent failed: TypeError"):
            await call("o2.log", "clock")

    ask(scene)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("log", {}),
        ("log", {"task": "clock", "lines": 1, "colour": "red"}),
        ("info", {"host": "flp1"}),
        ("kill", {"task": "clock"}),
    ],
    ids=["too few", "one too many", "one where there is none", "another name"],
)
def test_arguments_that_a_verb_does_not_have_are_the_caller_s_fault(ask, loaded, verb, arguments):
    async def scene(stage, call):
        await stage.launch(STANDBY, clock=basic("true"))

        def request():
            with agent_client.connect(loaded[0]["sock_dir"]) as agent:
                agent._ask(verb, **arguments)

        with pytest.raises(InvalidRequestError, match=f"{verb}: .*argument"):
            await asyncio.to_thread(request)

    ask(scene)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"host": "flp2"}, id="another-host"),
        pytest.param({"goal": "MIXED"}, id="no-goal-of-a-task"),
        pytest.param({"environment": "../x"}, id="path-as-environment"),
        pytest.param({"orders": [{"task": "../x"}]}, id="path-as-task"),
        pytest.param({"orders": [{"task": ""}]}, id="no-name"),
        pytest.param({"timeout_s": 0}, id="no-time"),
        pytest.param({"revision": "x"}, id="no-number"),
    ],
)
def test_an_invalid_command_starts_no_task(ask, change):
    async def scene(stage, call):
        command = {"host": HOST, "environment": "E", "revision": 1, "goal": "DONE", "orders": []} | change
        with pytest.raises(SaltInvocationError):
            await call("o2.drive", command)
        assert stage.agent.tasks() == []

    ask(scene)


def test_other_accounts_cannot_open_the_socket(ask, tmp_path):
    async def scene(stage, call):
        mode = socket_path(tmp_path / "sock").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600

    ask(scene)


def test_a_call_without_an_agent_fails_at_once(loaded, tmp_path):
    opts, modules = loaded
    opts["sock_dir"] = str(tmp_path)
    with pytest.raises(CommandExecutionError, match="no agent listens at"):
        modules["o2.tasks"]()


def test_a_client_stops_waiting_for_a_hanging_agent_in_time(tmp_path):
    socket_path(tmp_path).touch()
    with (
        pytest.raises(UnreachableError, match="did not answer tasks within"),
        agent_client.connect(tmp_path, 0.1) as agent,
    ):
        agent.tasks()


def test_a_path_that_fits_into_no_socket_is_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match="set a shorter sock_dir"):
        socket_path(tmp_path / ("x" * 100))


@pytest.mark.parametrize("codec", ["OCClite", "OCC"])
def test_a_control_channel_is_used_manually_step_by_step(ask, codec):
    async def scene(stage, call):
        launch = device("sink", codec)
        (about,) = await stage.launch(STANDBY, sink=launch)
        port = launch.control_port
        assert await call("occ.get_state", port, codec) == {"state": "IDLE", "pid": about.pid}
        channel = data_channel(free_port())
        assert (await call("occ.transition", port, "init device", channel, codec))[
            "state"
        ] == "INITIALIZING DEVICE"
        for step, state in (("COMPLETE INIT", "INITIALIZED"), ("BIND", "BOUND"), ("RESET DEVICE", "IDLE")):
            assert await call("occ.transition", port, step, codec=codec) == {"state": state}
        with pytest.raises(SaltInvocationError, match="'RUN' is not possible in IDLE, nothing was sent"):
            await call("occ.transition", port, "RUN", codec=codec)
        with pytest.raises(CommandExecutionError, match="START is not possible in IDLE"):
            await call("occ.transition", port, "START", codec=codec)

    ask(scene)


def test_a_port_without_a_listener_is_unreachable(ask):
    async def scene(stage, call):
        with pytest.raises(CommandExecutionError, match="no process answers"):
            await call("occ.get_state", free_port())

    ask(scene)


def test_every_function_of_the_modules_documents_its_call(loaded):
    _, modules = loaded
    ours = [name for name in list(modules) if name.startswith(("o2.", "occ."))]
    assert sorted(ours) == [
        "o2.audit",
        "o2.deliver",
        "o2.drive",
        "o2.info",
        "o2.kill",
        "o2.log",
        "o2.records",
        "o2.tasks",
        "o2.transition",
        "occ.get_state",
        "occ.transition",
    ]
    for name in ours:
        assert "CLI Example:" in modules[name].__doc__
