"""Basic tasks: plain programs that are there while RUNNING."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.agent.storage.output_files import BOUND, BOUND_UNWANTED
from salt_o2.core.codec import plain
from salt_o2.core.messages.command_parsing import command_of
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.harness.agent import basic

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE


def test_the_process_is_there_from_start_to_stop_and_not_before(perform):
    async def scene(stage):
        (about,) = await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        assert (about.state, about.status, about.pid) == (STANDBY, TaskStatus.ACTIVE, None)
        (about,) = await stage.drive(CONFIGURED, "clock")
        assert (about.state, about.pid) == (CONFIGURED, None)
        (about,) = await stage.drive(RUNNING, "clock")
        assert about.state is RUNNING
        pid = about.pid
        os.kill(pid, 0)
        (about,) = await stage.drive(CONFIGURED, "clock")
        assert (about.state, about.pid) == (CONFIGURED, None)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        (again,) = await stage.drive(RUNNING, "clock")
        assert again.pid != pid

    perform(scene)


def test_an_end_with_code_0_is_done_and_not_repeated_by_the_same_goal(perform):
    async def scene(stage):
        await stage.launch(
            STANDBY, once=basic("echo ran >> $HOME_OF_TEST/ran", env=(f"HOME_OF_TEST={stage.directory}",))
        )
        await stage.command(RUNNING, "once")
        await stage.until(lambda: stage.latest["once"].state is DONE)
        about = stage.latest["once"]
        assert (about.status, about.exit.code, about.failure) == (TaskStatus.INACTIVE, 0, None)
        (about,) = await stage.drive(RUNNING, "once")
        assert about.state is DONE
        assert (stage.directory / "ran").read_text() == "ran\n"
        (about,) = await stage.drive(CONFIGURED, "once")
        assert about.state is CONFIGURED

    perform(scene)


def test_another_exit_code_is_an_error_with_the_last_output(perform):
    async def scene(stage):
        await stage.launch(STANDBY, bad=basic("echo all is well; echo no such detector >&2; exit 3"))
        await stage.command(RUNNING, "bad")
        await stage.until(lambda: stage.latest["bad"].state is ERROR)
        about = stage.latest["bad"]
        assert about.exit.code == 3
        assert "exit code 3" in about.failure.reason
        assert about.failure.output == ("all is well", "no such detector")

    perform(scene)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGHUP])
def test_a_death_by_signal_names_the_signal(perform, number):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        # Until the shell has become the program, the shell itself takes the signal and may lose it.
        await stage.until(lambda: Path(f"/proc/{about.pid}/comm").read_text() == "sleep\n")
        os.kill(about.pid, number)
        await stage.until(lambda: stage.latest["victim"].state is ERROR)
        about = stage.latest["victim"]
        assert about.exit.signal == number
        assert f"killed by signal {number.value}" in about.failure.reason

    perform(scene)


def test_a_program_that_ignores_sigterm_is_killed_with_all_its_children(perform):
    script = "trap '' TERM; (trap '' TERM; sleep 1000) & setsid -w sleep 0.01; while :; do sleep 1000; done"

    async def scene(stage):
        await stage.launch(RUNNING, mule=basic(script))
        (about,) = await stage.drive(DONE, "mule")
        assert (about.state, about.status) == (DONE, TaskStatus.INACTIVE)
        assert stage.left_behind() == []

    perform(scene)


SLOW = "trap 'sleep 0.6; echo closed >closed; exit 0' TERM; touch up; while :; do sleep 0.01; done"


@pytest.mark.parametrize(("grace_s", "closed"), [(20.0, True), (0.1, False)])
def test_a_program_has_the_grace_of_its_template_between_sigterm_and_sigkill(perform, grace_s, closed):
    async def scene(stage):
        await stage.launch(RUNNING, slow=basic(SLOW, grace_s=grace_s))
        work = stage.directory / "tasks" / "slow" / "work"
        await stage.until(lambda: (work / "up").exists())
        (about,) = await stage.drive(CONFIGURED, "slow")
        assert (about.state, about.killed, about.failure) == (CONFIGURED, not closed, None)
        assert (work / "closed").exists() is closed
        (about,) = await stage.drive(RUNNING, "slow")
        assert about.killed is False

    perform(scene)


def test_a_child_in_a_process_group_of_its_own_ends_with_the_task(perform):
    program = "import os,time; os.fork() or os.setpgid(0, 0); time.sleep(1000)"

    async def scene(stage):
        await stage.launch(RUNNING, fork=basic(f"exec python3 -c '{program}'"))
        await stage.drive(DONE, "fork")
        assert stage.left_behind() == []

    perform(scene)


def test_processes_that_an_ended_program_left_are_stopped_too(perform):
    async def scene(stage):
        await stage.launch(STANDBY, parent=basic("sleep 1000 & sleep 1000 & exit 0"))
        await stage.command(RUNNING, "parent")
        await stage.until(lambda: stage.latest["parent"].state is DONE)
        assert stage.left_behind() == []

    perform(scene)


def test_the_task_sees_the_variables_that_aliecs_gives(perform):
    async def scene(stage):
        launch = basic("env; pwd; readlink /proc/self/fd/0; exit 1", env=("DETECTOR=its", "O2_SYSTEM=TEST"))
        await stage.launch(STANDBY, env=launch)
        await stage.command(RUNNING, "env")
        await stage.until(lambda: stage.latest["env"].state is ERROR)
        out = (stage.directory / "tasks/env/stdout").read_text().splitlines()
        for line in ("O2_ROLE=flp1", "O2_SYSTEM=TEST", "O2_PARTITION=2oDvieFrVTi", "DETECTOR=its"):
            assert line in out
        assert out[-2:] == [str(stage.directory / "tasks/env/work"), "/dev/null"]

    perform(scene)


def test_no_signal_is_ignored_or_blocked_in_a_task(perform):
    async def scene(stage):
        await stage.launch(STANDBY, signals=basic("exec grep -E 'SigBlk|SigIgn' /proc/self/status"))
        former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            await stage.command(RUNNING, "signals")
            await stage.until(lambda: stage.latest["signals"].state is DONE)
        finally:
            signal.signal(signal.SIGHUP, former)
        out = (stage.directory / "tasks/signals/stdout").read_text().split()
        real_time_signals_of_libc = 0b11 << 31
        assert int(out[1], 16) == 0
        assert int(out[3], 16) & ~real_time_signals_of_libc == 0

    perform(scene)


def test_no_open_file_of_the_agent_reaches_a_task(perform):
    async def scene(stage):
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        try:
            await stage.launch(STANDBY, files=basic("exec ls /proc/self/fd"))
            await stage.command(RUNNING, "files")
            await stage.until(lambda: stage.latest["files"].state is DONE)
        finally:
            os.close(reader)
            os.close(writer)
        # 3 is the folder that ls itself reads
        assert (stage.directory / "tasks/files/stdout").read_text().split() == ["0", "1", "2", "3"]

    perform(scene)


def test_an_order_that_cannot_be_read_or_has_no_id_costs_that_order_alone(perform):
    async def scene(stage):
        good = Order(task="good", launch=basic("exec sleep 1000"), properties={})
        sent = plain(
            stage.next_command(RUNNING, good, replace(good, task="../up"), replace(good, task="bad"))
        )
        sent["orders"][2]["launch"]["limits"] = "many"
        await stage.agent.accept_command(command_of(sent))
        await stage.until(lambda: "good" in stage.latest and stage.latest["good"].state is RUNNING)
        await stage.until(lambda: {"../up", "bad"} <= set(stage.latest))
        for task in ("../up", "bad"):
            assert stage.latest[task].failure is not None
            assert "order" in stage.latest[task].failure.reason
        assert {task.id for task in stage.agent._tasks.values()} == {"good"}

    perform(scene)


@pytest.mark.parametrize(("wanted", "most"), [("none", BOUND_UNWANTED), ("all", BOUND)])
def test_the_output_of_a_short_task_is_trimmed_when_it_ends(perform, wanted, most):
    async def scene(stage):
        loud = basic("head -c 100000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 3")
        await stage.launch(STANDBY, loud=replace(loud, stdout=wanted))
        await stage.command(RUNNING, "loud")
        await stage.until(lambda: stage.latest["loud"].state is ERROR)
        kept = [path for path in stage.directory.rglob("stdout*") if path.is_file()]
        assert sum(path.stat().st_size for path in kept) <= most
        assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
        assert stage.latest["loud"].failure.output[-1] == "the end"

    perform(scene)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"value": "no-such-program", "shell": False}, "no executable program 'no-such-program'"),
        ({"user": "no-such-user"}, "no-such-user"),
        ({"env": ("9NAME=x",)}, "no shell can set the variable '9NAME'"),
    ],
)
def test_a_program_that_cannot_be_started_is_refused_when_it_is_deployed(perform, wrong, reason):
    async def scene(stage):
        (about,) = await stage.launch(STANDBY, clock=replace(basic("exec sleep 1000"), **wrong))
        assert about.state is ERROR
        assert reason in about.failure.reason
        assert about.failure.advice
        (about,) = await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        assert (about.state, about.failure) == (STANDBY, None)

    perform(scene)


def test_a_program_gets_the_arguments_of_start_as_variables(perform):
    async def scene(stage):
        script = 'echo "$O2_RUN_NUMBER $O2_RUN_TYPE" > $HOME_OF_TEST/run'
        await stage.launch(STANDBY, once=basic(script, env=(f"HOME_OF_TEST={stage.directory}",)))
        await stage.command(RUNNING, "once", arguments={"run_number": "17", "run_type": "PHYSICS"})
        await stage.until(lambda: stage.latest["once"].state is DONE)
        assert (stage.directory / "run").read_text() == "17 PHYSICS\n"

    perform(scene)
