"""Another account of the host takes the control port of a device before the device does."""

import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from tests.support.free_ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.root("act as another account")]
STRANGER = 65534
IMPERSONATOR = Path(__file__).parents[2] / "support" / "programs" / "impersonator.py"


@pytest.mark.finding("X13")
def test_another_account_is_not_driven_in_the_place_of_a_device(perform):
    port = free_port()
    word = f"{1_000_000 + port}.5"

    async def scene(stage):
        command = [sys.executable, str(IMPERSONATOR), str(port), word, str(STRANGER)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            try:
                assert other.stdout.readline() == "ready\n"
                launch = Launch(
                    mode=ControlMode.FAIRMQ,
                    value="sleep",
                    arguments=(word,),
                    control_port=port,
                    codec="OCClite",
                )
                (about,) = await stage.launch(TaskState.STANDBY, slow=launch)
            finally:
                other.kill()
            assert other.stdout.read() == "", "it was asked for a step"
        assert about.state is not TaskState.STANDBY
        assert "was not started as this task" in about.failure.reason
        assert stage.left_behind() == []

    perform(scene)
