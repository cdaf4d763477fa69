"""The directory of a device's control socket, in which the account of the task may put anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.agent.storage.state_directory import StateDirectory
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode

LAUNCH = Launch(mode=ControlMode.DIRECT, value="readout", control_port=9000)


@pytest.fixture
def state(tmp_path):
    return StateDirectory(tmp_path / "agent")


def prepared(state):
    home = state.task_directory("readout")
    home.prepare(None)
    return home.prepare_control_socket(LAUNCH, None)


def test_the_socket_of_an_earlier_process_is_removed(state):
    socket = prepared(state)
    socket.touch()
    assert prepared(state) == socket
    assert list(socket.parent.iterdir()) == []
    assert not state.has_trash.is_set()


@pytest.mark.finding("A19")
@pytest.mark.parametrize("content", ["files", "a folder", "a link"])
def test_the_agent_waits_for_no_removal_of_other_files(state, content):
    folder = prepared(state).parent
    if content == "files":
        for number in range(100):
            (folder / str(number)).touch()
    elif content == "a folder":
        (folder / "sub" / "sub").mkdir(parents=True)
    else:
        (folder / "a").symlink_to("/etc/passwd")
        (folder / "b").symlink_to("/")
    assert list(prepared(state).parent.iterdir()) == []
    assert state.has_trash.is_set()
    state.empty_trash()
    assert Path("/etc/passwd").exists()


def test_a_plain_program_has_no_control_socket(state):
    home = state.task_directory("readout")
    home.prepare(None)
    assert home.prepare_control_socket(replace(LAUNCH, control_port=None), None) is None
