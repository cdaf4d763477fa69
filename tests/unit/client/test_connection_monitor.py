"""A client that waits for control handles each signal at once."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import zmq

from salt_o2.client.connection_monitor import open_socket
from salt_o2.client.control_client import ControlClient
from salt_o2.core.errors import UnreachableError
from tests.support.fakes.control_server import fake_control
from tests.support.waiting import wait_until

NEVER_S = 20.0
"""How long control would take for its answer."""


@pytest.fixture
def slow(tmp_path):
    """A control that takes a request and answers it long after the test should be over."""
    over, answered = threading.Event(), []

    def answer(_arguments):
        over.wait(NEVER_S)
        answered.append("at last")

    with fake_control(tmp_path / "s.ipc") as control:
        control.answered = answered
        control.answer("wait", answer)
        yield control
        over.set()


def interrupted_by(control, interrupt):
    """Ask for what takes long, let ``interrupt`` send a signal meanwhile; return whether that ended it."""
    helper = threading.Thread(target=interrupt)
    helper.start()
    try:
        with ControlClient(control.path) as client, pytest.raises(KeyboardInterrupt):
            client.request("wait")
        return not control.answered
    finally:
        helper.join()


def asked(control):
    while not control.requests:
        time.sleep(0.001)
    time.sleep(0.05)  # likely in the wait by now; where exactly must not matter


def test_a_signal_that_the_system_gives_to_another_thread_ends_the_wait(slow):
    """It interrupts nothing that the main thread does: without the pipe this hangs until control answers."""

    def interrupt():
        asked(slow)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    assert interrupted_by(slow, interrupt)


def test_a_signal_to_the_process_ends_the_wait(slow):
    def interrupt():
        asked(slow)
        os.kill(os.getpid(), signal.SIGINT)

    assert interrupted_by(slow, interrupt)


def test_a_signal_whose_handler_only_records_it_does_not_end_the_wait(tmp_path):
    noted = []
    former = signal.signal(signal.SIGUSR1, lambda *_: noted.append(1))
    try:
        with fake_control(tmp_path / "s.ipc") as control:
            control.answer("wait", lambda _arguments: os.kill(os.getpid(), signal.SIGUSR1) or "done")
            with ControlClient(control.path) as client:
                assert client.request("wait") == "done"
    finally:
        signal.signal(signal.SIGUSR1, former)
    assert noted == [1]


@pytest.fixture
def earlier_wakeup_file():
    """Who hears of signals by a pipe already, as asyncio does."""
    hear, tell = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    yield hear
    assert signal.set_wakeup_fd(-1) == tell, "it was not left as it was"
    os.close(hear)
    os.close(tell)


def test_a_signal_ends_the_wait_and_reaches_an_earlier_wakeup_file_too(slow, earlier_wakeup_file):
    def interrupt():
        asked(slow)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    assert interrupted_by(slow, interrupt)
    assert os.read(earlier_wakeup_file, 16) == bytes([signal.SIGINT])


def test_an_earlier_wakeup_file_that_was_closed_during_the_wait_is_not_restored(tmp_path):
    hear, tell = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    with fake_control(tmp_path / "s.ipc") as control:
        control.answer("wait", lambda _arguments: [os.close(hear), os.close(tell)] and "done")
        with ControlClient(control.path) as client:
            assert client.request("wait") == "done"
    assert signal.set_wakeup_fd(-1) == -1


def test_an_earlier_wakeup_file_is_restored_after_the_wait(slow, earlier_wakeup_file):
    with ControlClient(slow.path) as control, pytest.raises(UnreachableError):
        control.request("wait", timeout_s=0.2)


def test_a_request_leaves_no_open_file_and_no_wakeup_descriptor(slow):
    before = open_files()
    with ControlClient(slow.path) as control, pytest.raises(UnreachableError):
        control.request("wait", timeout_s=0.2)
    assert signal.set_wakeup_fd(-1) == -1
    wait_until(lambda: open_files() == before, "all files are closed, the listener's too")


def open_files():
    return {file.name for file in Path("/proc/self/fd").iterdir() if file.exists()}


@pytest.mark.parametrize(
    "line", [["task", "log", "sink", "-f"], ["task", "log", "sink"]], ids=["follow", "log"]
)
def test_ctrl_c_ends_coconut_cleanly(tmp_path, line):
    over = threading.Event()
    with fake_control(tmp_path / "s.ipc") as control:
        control.answer("task_log", lambda _arguments: over.wait(NEVER_S))
        coconut = [
            sys.executable,
            "-c",
            "from salt_o2.cli import main; main()",
            "--control",
            str(control.path),
        ]
        for turn in range(3):
            known = len(control.requests)
            with subprocess.Popen([*coconut, *line], stderr=subprocess.PIPE, text=True) as process:
                while len(control.requests) == known and process.poll() is None:
                    time.sleep(0.001)
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=NEVER_S / 2)
                assert (process.returncode, said) == (130, "error: interrupted\n"), turn
            over.set()
            over.clear()


def test_a_signal_never_leaves_a_socket_that_its_context_does_not_know(monkeypatch):
    noted, note = [], zmq.Context._add_socket

    def note_after_ctrl_c(context, socket):
        signal.raise_signal(signal.SIGINT)  # to this thread: another one might not have it blocked
        note(context, socket)
        noted.append(socket)

    monkeypatch.setattr(zmq.Context, "_add_socket", note_after_ctrl_c)
    context = zmq.Context()
    with pytest.raises(KeyboardInterrupt):
        open_socket(context, zmq.DEALER)
    assert len(noted) == 1
    context.destroy(linger=0)
