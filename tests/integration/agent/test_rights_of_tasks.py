"""Tasks never raise their rights: no variable of a template reaches a program of another account."""

import asyncio
import os
import pwd
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.linux import procfs
from tests.support.harness.agent import AgentHarness, basic

pytestmark = pytest.mark.integration
RUNNING, ERROR, DONE = TaskState.RUNNING, TaskState.ERROR, TaskState.DONE
OWN = pwd.getpwuid(os.geteuid()).pw_name
ODD = {
    "QUOTES": 'it\'s "quoted" and `ticked` $HOME $(id) \\n',
    "LINES": "first\nsecond\n\n",
    "BLANKS": "  two  blanks  ",
    "EMPTY": "",
    "CONTROLLED": "\x01\x7f\x81\x88Ёж²",
    "IFS": "x",
    "STAR": "*",
    "EQUALS": "a=b=c",
    "LD_LIBRARY_PATH": ":/opt/lib:",
    "LONG": "y" * 100_000,
}


@pytest.fixture
def open_folder(tmp_path):
    """A folder that every user may write, also below pytest's own."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != folder.parent:
            folder.chmod(folder.stat().st_mode | 0o011)
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    return place


@pytest.mark.finding("1.5")
@pytest.mark.root("start tasks of other users")
@pytest.mark.parametrize("shell", [True, False], ids=["shell", "program"])
def test_no_variable_of_a_template_reaches_a_program_that_runs_as_root(perform, open_folder, shell):
    """The dynamic linker of each program that gets these variables leaves a file with its user's name."""

    async def scene(stage):
        env = ("LD_DEBUG=libs", f"LD_DEBUG_OUTPUT={open_folder}/linked")
        launch = basic("sleep 1000", user="daemon", env=env)
        if not shell:
            launch = replace(launch, value="sleep", arguments=("1000",), shell=False)
        (about,) = await stage.launch(RUNNING, task=launch)
        assert (about.state, about.failure) == (RUNNING, None)
        await stage.until(lambda: any(open_folder.iterdir()))
        assert {path.owner() for path in open_folder.iterdir()} == {"daemon"}
        shim = stage.agent.task("task").record.shim
        assert procfs.variable(shim, "LD_DEBUG") == ""

    perform(scene)


@pytest.mark.finding("1.5")
@pytest.mark.parametrize(
    "user", ["", pytest.param("daemon", marks=pytest.mark.root("start tasks of other users"))]
)
def test_each_variable_of_a_template_reaches_its_program_unchanged(perform, open_folder, user):
    async def scene(stage):
        env = tuple(f"{name}={value}" for name, value in ODD.items())
        teller = replace(basic("env", env=env, user=user), arguments=("-0",), shell=False)
        await stage.launch(TaskState.STANDBY, teller=teller)
        await stage.command(RUNNING, "teller")
        await stage.until(lambda: stage.latest["teller"].state is DONE)
        written = (
            (stage.directory / "tasks" / "teller" / "stdout").read_bytes().decode(errors="surrogateescape")
        )
        told = dict(entry.split("=", 1) for entry in written.split("\0") if entry)
        assert {name: told.get(name) for name in ODD} == ODD
        assert told["O2_PARTITION"] == "2oDvieFrVTi"
        if user:
            assert (told["USER"], told["HOME"]) == (user, pwd.getpwnam(user).pw_dir)

    perform(scene)


@pytest.mark.finding("1.5")
def test_a_secret_of_the_environment_is_readable_for_the_task_alone(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, guarded=basic("exec sleep 1000", env=("DB_PASSWORD=hunter2",)))
        for path in (stage.directory / "tasks" / "guarded").rglob("*"):
            if path.is_file() and b"hunter2" in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        for pid in (about.pid, stage.agent.task("guarded").record.shim):
            assert b"hunter2" not in b"\0".join(procfs.command_line(pid))

    perform(scene)


@pytest.mark.parametrize("name", ["A.B", "1ST", "UID", "SHELLOPTS", "A B"])
def test_a_variable_that_no_shell_can_set_is_refused_by_name(perform, name):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, odd=basic("true", env=(f"{name}=1",)))
        assert about.state is ERROR
        assert repr(name) in about.failure.reason

    perform(scene)


@pytest.fixture
def perform_with(tmp_path, open_folder):
    """Scenes with an agent whose host lists these accounts for tasks."""

    async def play(users, scene):
        stage = AgentHarness(open_folder / "agent")
        stage.task_users = users
        await stage.up()
        try:
            await scene(stage)
        finally:
            await stage.clean()

    return lambda users, scene: asyncio.run(play(users, scene))


@pytest.mark.finding("1.12")
@pytest.mark.root("start tasks of other users")
def test_a_task_without_an_account_runs_as_the_first_that_its_host_lists(perform_with):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, plain=basic("exec sleep 1000"))
        assert (about.state, about.failure) == (RUNNING, None)
        await stage.until(lambda: Path(f"/proc/{about.pid}").owner() == "daemon")
        (other,) = await stage.launch(RUNNING, other=basic("exec sleep 1000", user="nobody"))
        await stage.until(lambda: Path(f"/proc/{other.pid}").owner() == "nobody")

    perform_with(("daemon", "nobody"), scene)


@pytest.mark.finding("1.12")
@pytest.mark.root("run an agent as root")
@pytest.mark.parametrize("user", ["root", "bin"])
def test_an_account_that_the_host_does_not_list_is_refused(perform_with, user):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, climber=basic("exec sleep 1000", user=user))
        assert (about.state, about.status, about.pid) == (ERROR, TaskStatus.INACTIVE, None)
        assert repr(user) in about.failure.reason
        assert "task_users" in about.failure.advice
        assert stage.left_behind() == []

    perform_with(("daemon",), scene)


@pytest.mark.finding("1.12")
@pytest.mark.root("run an agent as root")
def test_root_is_an_account_for_tasks_only_where_the_host_lists_it(perform_with):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, plain=basic("exec sleep 1000"))
        assert Path(f"/proc/{about.pid}").owner() == "root"

    perform_with(("root",), scene)


@pytest.mark.finding("3.6")
@pytest.mark.parametrize("earlier", [None, 0o644, 0o666], ids=["new", "0644", "0666"])
def test_no_other_user_can_hold_the_lock_of_an_agent(perform, earlier):
    async def scene(stage):
        lock = stage.directory / "lock"
        if earlier is not None:
            await stage.down()
            lock.chmod(earlier)
            await stage.up()
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600

    perform(scene)
