"""The model of the kernel does what the real kernel does: each test runs on both."""

import asyncio
import os
import signal
from random import Random

import pytest

from salt_o2.agent.launch import shim
from salt_o2.agent.storage.task_directory import MARK, TaskDirectory
from salt_o2.linux.kernel import LINUX
from salt_o2.linux.procfs import Entry
from salt_o2.simulation.machine.device import Behaviour, PlainProgram, Trouble
from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.kernel import SimulatedKernel

SLEEP = ("/bin/sleep", "1000")
EXIT_3 = ("/bin/sh", "-c", "sleep 0.2; exit 3")
DEAF = ("/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
SEGFAULT = ("/bin/sh", "-c", "sleep 0.2; kill -SEGV $$")
LEAVES_A_CHILD = ("/bin/sh", "-c", "setsid sleep 1000 & sleep 0.5; exit 0")
MODELS = {
    SLEEP: Behaviour(),
    EXIT_3: Behaviour(Trouble.EXIT_EARLY, after_s=0.2),
    DEAF: Behaviour(Trouble.IGNORES_TERM),
    SEGFAULT: Behaviour(Trouble.CRASH, after_s=0.2),
}


class _LeavesAChild(PlainProgram):
    def __init__(self, kernel):
        super().__init__(kernel, Behaviour(Trouble.LEAVES_SESSION))
        self._kernel = kernel

    def begin(self, process):
        super().begin(process)
        self._kernel.later(0.5, self._kernel.finish, process, 0)


def program(kernel, words):
    return (
        _LeavesAChild(kernel)
        if tuple(words) == LEAVES_A_CHILD
        else PlainProgram(kernel, MODELS[tuple(words)])
    )


class Machine:
    """A kernel, and tasks that are started on it."""

    def __init__(self, kernel, folder):
        self.kernel, self.folder, self.started = kernel, folder, []

    def start(self, words):
        home = TaskDirectory(self.folder / f"task{len(self.started)}")
        home.prepare(None)
        home.save_variables(b"", None)
        pid = shim.spawn(list(words), {MARK: str(home.folder), "PATH": os.environ["PATH"]}, home.files,
                         grace_s=0.3, kernel=self.kernel)  # fmt: skip
        self.started.append(pid)
        return pid, home

    def clean_up(self):
        for pid in self.started:
            found = self.kernel.entry(pid)
            if found is not None:
                handle = self.kernel.open_process(pid)
                self.kernel.signal_group(handle, signal.SIGKILL)
                self.kernel.close_process(handle)


async def until(condition):
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition does not hold after 20 s")


@pytest.fixture(params=["real", "model"])
def run(request, tmp_path):
    """Run a coroutine function with a machine, on the real kernel or on the model."""

    def on_real(scene):
        async def work():
            machine = Machine(LINUX, tmp_path)
            try:
                return await scene(machine)
            finally:
                machine.clean_up()

        return asyncio.run(work())

    def on_model(scene):
        loop = VirtualLoop(Random(1))
        try:

            async def work():
                kernel = SimulatedKernel(loop, Random(2), "flp1", program)
                kernel.add_agent()
                return await scene(Machine(kernel, tmp_path))

            return loop.run_until_complete(work())
        finally:
            loop.close()

    return on_real if request.param == "real" else on_model


def test_a_shim_leads_a_session_and_its_program_carries_the_mark(run):
    async def scene(machine):
        pid, home = machine.start(SLEEP)
        await until(lambda: machine.kernel.children(pid))
        child = machine.kernel.children(pid)[0]
        await until(lambda: machine.kernel.command_line(child)[:2] == [b"/bin/sleep", b"1000"])
        kernel = machine.kernel
        assert kernel.session_of(pid) == pid
        assert kernel.session_of(child) == pid
        assert kernel.entry(child).parent == pid
        assert kernel.entry(child).group == pid
        assert {kernel.variable(each, MARK) for each in (pid, child)} == {str(home.folder)}
        assert {pid, child} <= set(kernel.processes())
        assert kernel.numbers_of(child)[0] == child

    run(scene)


@pytest.mark.parametrize(("words", "status"), [(EXIT_3, 3), (SEGFAULT, 139)], ids=["exit", "crash"])
def test_a_shim_writes_how_its_program_ended_and_stays_a_zombie_until_it_is_collected(run, words, status):
    async def scene(machine):
        kernel = machine.kernel
        pid, home = machine.start(words)
        started = kernel.start_ticks(pid)
        await until(lambda: not kernel.is_alive(pid, started))
        assert home.files.status.read_text() == f"{status}\n"
        assert kernel.is_zombie(pid, started)
        assert kernel.exit_code(pid) == status
        kernel.collect(pid)
        assert not kernel.is_zombie(pid, started)
        assert kernel.entry(pid) is None

    run(scene)


def test_sigterm_to_the_group_ends_the_program_and_not_the_shim_before_it_has_written(run):
    async def scene(machine):
        kernel = machine.kernel
        pid, home = machine.start(SLEEP)
        started = kernel.start_ticks(pid)
        await until(lambda: [each for each in kernel.children(pid)
                             if kernel.command_line(each)[:1] == [b"/bin/sleep"]])  # fmt: skip
        handle = kernel.open_process(pid)
        kernel.signal_group(handle, signal.SIGTERM)
        await until(lambda: not kernel.is_alive(pid, started))
        kernel.close_process(handle)
        assert home.files.status.read_text() == "143\n"

    run(scene)


def test_sigkill_to_the_group_leaves_no_status(run):
    async def scene(machine):
        kernel = machine.kernel
        pid, home = machine.start(DEAF)
        started = kernel.start_ticks(pid)
        await until(lambda: kernel.children(pid))
        handle = kernel.open_process(pid)
        kernel.signal_group(handle, signal.SIGKILL)
        await until(lambda: not kernel.is_alive(pid, started))
        kernel.close_process(handle)
        assert home.files.status.read_text() == ""
        assert kernel.exit_code(pid) is None

    run(scene)


def test_the_end_of_a_process_makes_its_handle_readable(run):
    async def scene(machine):
        pid, _ = machine.start(EXIT_3)
        handle, ended = machine.kernel.open_process(pid), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(handle, ended.set)
        async with asyncio.timeout(20):
            await ended.wait()
        loop.remove_reader(handle)
        machine.kernel.close_process(handle)
        machine.kernel.collect(pid)

    run(scene)


def test_a_signal_reaches_no_process_that_started_at_another_time(run):
    async def scene(machine):
        kernel = machine.kernel
        pid, _ = machine.start(SLEEP)
        await until(lambda: [each for each in kernel.children(pid)
                             if kernel.command_line(each)[:1] == [b"/bin/sleep"]])  # fmt: skip
        child = kernel.entry(kernel.children(pid)[0])
        assert kernel.send(Entry(child.pid, child.parent, child.group, child.session, child.started + 1),
                           signal.SIGKILL)  # fmt: skip
        await asyncio.sleep(0.2)
        assert kernel.is_alive(child.pid, child.started)
        assert kernel.send(child, signal.SIGKILL)
        await until(lambda: not kernel.is_alive(child.pid, child.started))

    run(scene)


def test_a_child_that_left_the_session_is_ended_by_the_shim(run):
    async def scene(machine):
        kernel = machine.kernel
        pid, home = machine.start(LEAVES_A_CHILD)
        started, mark = kernel.start_ticks(pid), str(home.folder)

        def outside():
            return [each for each in kernel.processes().values()
                    if each.session != pid and kernel.variable(each.pid, MARK) == mark]  # fmt: skip

        await until(outside)
        [left] = outside()
        await until(lambda: not kernel.is_alive(pid, started))
        assert not kernel.is_alive(left.pid, left.started)
        assert home.files.status.read_text() == "0\n"

    run(scene)


def test_there_is_no_handle_of_a_process_that_does_not_exist(run):
    async def scene(machine):
        with pytest.raises(ProcessLookupError):
            machine.kernel.open_process(2**22 - 1)
        assert machine.kernel.session_of(2**22 - 1) is None
        assert machine.kernel.command_line(2**22 - 1) == []
        assert not machine.kernel.is_in_exec(2**22 - 1)

    run(scene)


def test_the_model_gives_a_pid_again_and_start_times_tell_the_processes_apart(tmp_path):
    loop = VirtualLoop(Random(1))

    async def scene():
        kernel = SimulatedKernel(loop, Random(2), "flp1", program, pids=20)
        seen = {}
        for _ in range(50):
            process = kernel.add_stranger(0.5)
            assert seen.get(process.pid) != process.started
            seen[process.pid] = process.started
            await asyncio.sleep(1)
        assert len(seen) < 50

    loop.run_until_complete(scene())
    loop.close()
