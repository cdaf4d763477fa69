"""Start of a task's process, or adoption of one that already runs."""

import pwd
import time
from collections.abc import Callable

from salt_o2.agent.launch import environment_variables, preflight, shim
from salt_o2.agent.launch.accounts import switch_to
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.agent.process.host_resources import CONTROL_ADDRESS, CONTROL_SOCKET, HostResources
from salt_o2.agent.process.member_processes import MemberProcesses
from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.agent.process.task_process import TaskProcess, ports_of
from salt_o2.agent.storage.task_directory import MARK, TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import TaskState
from salt_o2.linux import cgroup, exec_wait
from salt_o2.linux.cgroup import Group
from salt_o2.linux.kernel import Kernel


def start_process(
    record: TaskRecord, home: TaskDirectory, host: HostResources, ended: Callable[[], None]
) -> TaskProcess:
    """Start the process that ``record.launch`` describes and record its identity.

    Raises:
        Refusal: the launch cannot work.
        OSError: the host has no resources for the process.
    """
    launch = _launch_of(record)
    account = host.accounts.choose(launch.user)
    switch = switch_to(account)
    env = _variables(record, launch, host, account)
    env[MARK] = str(home.folder)
    env.pop(CONTROL_SOCKET, None)
    if (private := home.control_socket(launch)) is not None:
        env[CONTROL_SOCKET] = str(private)
    if launch.control_port is not None and host.address:
        env.setdefault(CONTROL_ADDRESS, host.address)
    argv = preflight.check_command(launch, env, host.kernel)
    preflight.check_ports(ports_of(launch), host.claims, host.port_ranges, host.kernel)
    owner = (account.pw_uid, account.pw_gid) if account else None
    home.prepare(owner)
    home.prepare_control_socket(launch, owner)
    home.save_variables(environment_variables.exports(env), owner)
    _forget_the_former(record, launch, host.kernel)
    home.save(record)
    group = cgroup.make(home.folder, launch.limits, host.groups)
    record.shim = shim.spawn(
        argv,
        environment_variables.shim_env(str(home.folder)),
        home.files,
        switch,
        group.path if group else None,
        launch.grace_s,
        host.kernel,
        account.pw_uid if account else None,
    )
    record.shim_started = host.kernel.start_ticks(record.shim)
    record.launching, record.started = False, time.time()
    home.save(record)
    return _take_charge(record, home, host, ended, group)


def check_program(record: TaskRecord, host: HostResources) -> None:
    """Ensure that a plain program could be started now: its account, its program, its variables.

    Raises:
        Refusal: it could not.
    """
    launch = _launch_of(record)
    account = host.accounts.choose(launch.user)
    switch_to(account)
    preflight.check_command(launch, _variables(record, launch, host, account), host.kernel)


def _launch_of(record: TaskRecord) -> Launch:
    """Return the launch of ``record``.

    Raises:
        Refusal: there is none, or it is invalid.
    """
    if record.launch is None:
        raise Refusal(f"no order has a launch for {record.task}", "send an order with a launch")
    preflight.check_launch(record.launch)
    return record.launch


def _variables(
    record: TaskRecord, launch: Launch, host: HostResources, account: pwd.struct_passwd | None
) -> dict[str, str]:
    return environment_variables.task_env(
        launch, host.name, record.environment, host.environment_variables, account, record.arguments
    )


async def adopt_process(
    record: TaskRecord, home: TaskDirectory, host: HostResources, ended: Callable[[], None]
) -> TaskProcess | None:
    """Return the process of a task that an earlier agent started, if it still runs.

    The shim is identified by pid, start time and mark together, within one boot.
    """
    launching, record.launching = record.launching, False
    if record.boot != host.kernel.boot_id():
        return None
    # The agent was killed while it started the process.
    if launching:
        await _find_shim(record, home, host.kernel)
    if record.shim is None or record.launched is None or record.shim_started is None:
        return None
    is_ours = await _is_marked(record.shim, home, host.kernel)
    if not is_ours or not host.kernel.is_alive(record.shim, record.shim_started):
        return None
    return _take_charge(record, home, host, ended, cgroup.find(home.folder, host.groups))


async def _find_shim(record: TaskRecord, home: TaskDirectory, kernel: Kernel) -> None:
    named = await exec_wait.find_by_argument(home.files.marker, kernel)
    found = [pid for pid in named if await _is_marked(pid, home, kernel)]
    leaders = [pid for pid in found if kernel.session_of(pid) == pid]
    record.shim = leaders[0] if leaders else None
    record.shim_started = kernel.start_ticks(leaders[0]) if leaders else None


async def _is_marked(pid: int, home: TaskDirectory, kernel: Kernel) -> bool:
    mark = await exec_wait.shown(pid, lambda pid: kernel.variable(pid, MARK), kernel=kernel)
    return mark == str(home.folder)


def _take_charge(
    record: TaskRecord,
    home: TaskDirectory,
    host: HostResources,
    ended: Callable[[], None],
    group: Group | None,
) -> TaskProcess:
    if record.shim is None or record.launched is None:
        raise ValueError(f"{record.task} has no process")
    process = ProcessGroup(record.shim, record.shim_started or 0, home.files.status, host.kernel)
    members = MemberProcesses(
        directory=home.folder, shim=process, group=group, scan=host.process_scan, kernel=host.kernel
    )
    task_process = TaskProcess(record, members, process, record.launched, host)
    if task_process.device is not None:
        task_process.device.restore(record)
    process.watch(lambda: task_process.record_exit(ended))
    return task_process


def _forget_the_former(record: TaskRecord, launch: Launch, kernel: Kernel) -> None:
    record.launching, record.launched, record.boot = True, launch, kernel.boot_id()
    record.shim = record.shim_started = record.pid = record.exit = record.failure = None
    record.output = ()
    record.configured, record.channels, record.needs_restart, record.announced = None, [], "", ""
    record.state, record.device_state, record.fresh = TaskState.UNKNOWN, "", False
    record.killed, record.reported_device_id, record.remaining_pids, record.ending = False, None, (), False
