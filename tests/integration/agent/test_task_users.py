"""Tasks of other users, which only root can start."""

import os
import pwd

import pytest

from salt_o2.core.states import TaskState
from tests.support.harness.agent import basic

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root("start processes of other users"),
]


def test_a_task_runs_as_its_user_in_a_folder_of_its_own(perform, tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o011)

    async def scene(stage):
        script = "id -un; id -Gn; touch mine && pwd; cat ../task.json || echo not for me; exec sleep 1000"
        (about,) = await stage.launch(TaskState.RUNNING, daemon=basic(script, user="daemon"))
        home = stage.agent.output_of("daemon")
        await stage.until(lambda: len(home.output_tail()) == 5)
        name, groups, work, error = (*home.output_tail()[:3], home.output_tail()[-1])
        assert (name, groups) == ("daemon", "daemon")
        assert work == str(home.files.work)
        assert "Permission denied" in error
        assert (home.files.work / "mine").owner() == "daemon"
        uid = pwd.getpwnam("daemon").pw_uid
        assert os.stat(f"/proc/{about.pid}").st_uid == uid  # noqa: PTH116
        (about,) = await stage.drive(TaskState.DONE, "daemon")
        assert about.state is TaskState.DONE

    perform(scene)


def test_an_unknown_user_is_refused_by_name(perform):
    async def scene(stage):
        await stage.down()
        stage.task_users = ("no-such-user",)
        await stage.up()
        (about,) = await stage.launch(TaskState.RUNNING, ghost=basic("true", user="no-such-user"))
        assert about.state is TaskState.ERROR
        assert "no user 'no-such-user'" in about.failure.reason

    perform(scene)
