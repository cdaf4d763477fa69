"""A process that the agent may not end keeps its task from DONE, and is reported with its pid and user."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.linux import procfs

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root("make a program that becomes root"),
]
OTHER_UID = "65534"
AS_OTHER_ACCOUNT = ["setpriv", "--reuid", OTHER_UID, "--regid", OTHER_UID, "--clear-groups"]
REACH = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
"""This Python may lie where other users do not come; a right to read is no right to send signals."""
SCENE = """
import asyncio, json, sys
from pathlib import Path
from tests.support.harness.agent import AgentHarness, basic
from salt_o2.core.states import TaskState

async def end(stage):
    (about,) = await stage.drive(TaskState.DONE, "climber")
    failure = about.failure
    return [about.state, failure.reason if failure else "", failure.advice if failure else ""]

async def main():
    stage = AgentHarness(Path(sys.argv[1]) / "agent")
    stage.groups = None
    await stage.up()
    script = f"{sys.argv[2]} --reuid 0 {sys.argv[1]}/up & exec sleep 1000"
    await stage.launch(TaskState.RUNNING, climber=basic(script))
    pid = Path(sys.argv[1]) / "pid"
    await stage.until(lambda: pid.exists() and pid.read_text().endswith("\\n"))
    outcomes = [await end(stage), await end(stage)]
    await stage.down()
    await stage.up()
    outcomes.append(await end(stage))
    await stage.down()
    print(json.dumps(outcomes))

asyncio.run(main())
"""


@pytest.fixture
def open_folder(tmp_path):
    """A folder that every user may use, also below pytest's own."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.mark.parametrize("environment", ["keeps-the-mark", "has-no-mark"])
def test_a_process_that_became_root_is_reported_and_its_task_is_not_done(open_folder, environment):
    become = open_folder / "become"
    shutil.copy(shutil.which("setpriv"), become)
    become.chmod(0o4755)
    up = open_folder / "up"
    clear = "env -i setsid" if environment == "has-no-mark" else ""
    up.write_text(f"#!/bin/sh\necho $$ >{open_folder}/pid\nexec {clear} /bin/sleep 1000\n")
    up.chmod(0o755)
    try:
        done = subprocess.run(
            [*AS_OTHER_ACCOUNT, *REACH, sys.executable, "-c", SCENE,
             str(open_folder), str(become)],
            capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[3], check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        pid = int((open_folder / "pid").read_text())
        for state, reason, advice in json.loads(done.stdout):
            assert (state, str(pid) in reason) == ("ERROR", True)
            assert "uid 0" in advice
        assert procfs.start_ticks(pid) is not None
    finally:
        if (open_folder / "pid").exists():
            os.kill(int((open_folder / "pid").read_text()), signal.SIGKILL)
