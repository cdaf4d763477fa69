"""Clients of control and of the agent, when the process that took their request ends; real processes."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from salt_o2.client.agent_client import connect
from salt_o2.client.control_client import ControlClient
from salt_o2.core.errors import UnreachableError
from salt_o2.core.socket_paths import socket_path

SERVER = """
import os, signal, sys, msgpack, zmq
path, acknowledges, end = sys.argv[1:]
router = zmq.Context().socket(zmq.ROUTER)
router.bind(f"ipc://{path}")
print("listens", flush=True)
*peer, frame = router.recv_multipart()
request = msgpack.unpackb(frame)
if acknowledges == "yes":
    router.send_multipart([*peer, msgpack.packb({"id": request["id"], "progress": {"done": 1}})])
if end == "answers":
    os.kill(os.getpid(), signal.SIGSTOP)
    router.send_multipart([*peer, msgpack.packb({"id": request.get("id"), "result": "late"})])
    router.recv_multipart()
if end == "exits":
    sys.exit()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def serve(tmp_path):
    """Starts a process that takes one request at a socket."""
    running = []

    def start(path, acknowledges, end):
        argv = [sys.executable, "-c", SERVER, str(path), acknowledges, end]
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        assert running[0].stdout.readline() == "listens\n"
        return running[0]

    yield start
    for one in running:
        one.kill()
        one.communicate()


@pytest.mark.parametrize("acknowledges", ["yes", "no"])
@pytest.mark.parametrize("end", ["is killed", "exits"])
def test_a_client_whose_control_ends_gets_an_error_that_names_the_effect(serve, tmp_path, acknowledges, end):
    path = tmp_path / "o2_control.ipc"
    server = serve(path, acknowledges, end)
    with ControlClient(path) as control, pytest.raises(UnreachableError) as told:
        control.request("env_create", timeout_s=60)
    said = str(told.value)
    assert f"(pid {server.pid}) has ended while it carried out env_create" in said
    assert "Running tasks are not affected" in said


def test_a_client_waits_for_a_stopped_control_until_it_continues(serve, tmp_path):
    path = tmp_path / "o2_control.ipc"
    server = serve(path, "yes", "answers")

    def wake_when_stopped():
        os.waitpid(server.pid, os.WUNTRACED)
        server.send_signal(signal.SIGCONT)

    waking = threading.Thread(target=wake_when_stopped)
    waking.start()
    with ControlClient(path) as control:
        assert control.request("env_create", timeout_s=60) == "late"
    waking.join()


@pytest.mark.parametrize("end", ["is killed", "exits"])
def test_a_client_whose_agent_ends_gets_an_error(serve, tmp_path, end):
    serve(socket_path(tmp_path), "no", end)
    ended = pytest.raises(UnreachableError, match="has ended before it answered")
    with connect(tmp_path, timeout_s=60) as agent, ended:
        agent.kill(["readout"])
