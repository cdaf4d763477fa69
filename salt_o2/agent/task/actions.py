"""Executes one step of a task: launch, an event, kill; and decides what a failure of it means."""

import logging
from collections.abc import Mapping

from salt_o2.agent.launch import preflight
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.agent.process import launcher, orphan_termination, task_process
from salt_o2.agent.process.task_process import TaskProcess
from salt_o2.agent.task.runtime import TaskRuntime
from salt_o2.core.errors import InvalidRequestError, O2Error
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.core.tasks import kill_sequence
from salt_o2.core.tasks.next_action import AgentAction
from salt_o2.occ.outcome import Outcome

log = logging.getLogger(__name__)

STEP_DOWN_S = 5.0
"""Time limit of STOP, RESET and EXIT on the way to the end, where a signal has the same effect."""
PATIENCE_S = 1.0
"""Time limit of a step once the task is to end."""
RECOVERY_S = 5.0
"""How long a device may take to report its state when its task file was damaged."""
DEATH_SHOWS_S = 0.3
"""How soon after a broken connection the end of the process is seen, if it is the reason."""


async def execute(runtime: TaskRuntime, step: TaskEvent | AgentAction) -> None:
    """Execute the decision of core/tasks/next_action.py; write the result into the record."""
    known = runtime.record
    if step is AgentAction.LAUNCH:
        async with runtime.host.start_limiter.slot():
            # An order for DONE may have arrived meanwhile.
            if known.goal is not TaskState.DONE:
                await launch(runtime)
    elif step is AgentAction.KILL:
        await kill(runtime)
    elif step is AgentAction.ASSUME_GOAL:
        goal = known.goal
        if goal is TaskState.DONE:
            await confirm_state(runtime)
        # Another order has arrived meanwhile.
        if runtime.stuck or known.goal is not goal or _cannot_start(runtime):
            return
        known.state, known.fresh, known.failure = goal, False, None
    elif isinstance(step, TaskEvent):
        await send_event(runtime, step, known.arguments_for(step))


def _cannot_start(runtime: TaskRuntime) -> bool:
    """Return whether a plain program that is to be started later could not be, and fail its order then."""
    known = runtime.record
    if known.goal is TaskState.DONE or not known.fresh or known.launch is None:
        return False
    try:
        launcher.check_program(known, runtime.host)
    except Refusal as error:
        known.state, known.fresh = TaskState.ERROR, False
        runtime.fail_order("launch", "-", str(error), error.advice)
        return True
    return False


async def launch(runtime: TaskRuntime) -> None:
    """Start the process, and wait until it can be configured."""
    known = runtime.record
    runtime.asked, runtime.needs_restart, runtime.lost, runtime.end_is_wanted = "launch", False, False, False
    await confirm_state(runtime)
    if runtime.stuck:
        known.state, known.fresh = TaskState.ERROR, False
        return
    # An order for DONE has arrived meanwhile.
    if known.goal is TaskState.DONE:
        return
    runtime.is_clear = False
    try:
        runtime.process = await _start_process(runtime)
    except (Refusal, OSError) as error:
        known.state, known.fresh, known.launching = TaskState.ERROR, False, False
        ports = error.ports if isinstance(error, preflight.PortsTaken) else ()
        runtime.fail_order("launch", "-", str(error), getattr(error, "advice", ""), ports)
        return
    log.info("task %s: started under shim %s", known.task, known.shim)
    if runtime.process.device is None:
        await wait_for_program(runtime, runtime.process)
    else:
        await _wait_until_ready(runtime, runtime.process)


async def wait_for_program(runtime: TaskRuntime, process: TaskProcess) -> None:
    """Record that a task without a control channel runs: the existing process is its only state."""
    runtime.record.state = TaskState.RUNNING
    runtime.record.pid = await process.shim.child()


async def _start_process(runtime: TaskRuntime) -> TaskProcess:
    """Start the process; if its port is taken, first stop orphaned processes of this agent."""
    try:
        return launcher.start_process(runtime.record, runtime.directory, runtime.host, runtime.on_end)
    except preflight.PortsTaken:
        if not await orphan_termination.end_all(runtime.host):
            raise
        return launcher.start_process(runtime.record, runtime.directory, runtime.host, runtime.on_end)


async def send_event(runtime: TaskRuntime, event: TaskEvent, arguments: Mapping[str, str]) -> Failure | None:
    """Take the device through ``event``; return why it failed, if it did.

    Raises:
        InvalidRequestError: the task has no device.
    """
    known, process, down = runtime.record, runtime.process, runtime.is_shutting_down
    if process is None or process.device is None:
        raise InvalidRequestError(f"task {known.task} has no control channel for {event}")
    # An earlier agent was killed before the device was ready.
    if known.pid is None:
        await _wait_until_ready(runtime, process)
        return known.failure
    runtime.asked = event
    # The next agent must know this, even if this agent is killed.
    if event is TaskEvent.CONFIGURE:
        known.configured = dict(arguments)
        runtime.directory.record_configuration(known)
    outcome = await process.run_while_alive(
        process.device.fire(
            event, arguments, min(runtime.remaining_s(), STEP_DOWN_S) if down else runtime.remaining_s()
        ),
        STEP_DOWN_S if down else PATIENCE_S,
        hurried=runtime.is_urgent and not down,
    )
    if outcome is None:
        runtime.lost = not process.shim.ended.is_set()
        return None
    if _was_overtaken(runtime, outcome):
        runtime.overtaken, runtime.must_inspect = False, True
        return None
    process.device.record_state(known)
    if outcome.failure is None:
        known.record_step(event)
        if event is TaskEvent.EXIT:
            runtime.end_is_wanted = runtime.lost = True
    await _apply_outcome(runtime, outcome, process)
    return outcome.failure


def _was_overtaken(runtime: TaskRuntime, outcome: Outcome) -> bool:
    """Return whether the step may have failed because a request of an earlier agent came in between.

    The earlier agent was killed after it had sent the request. This agent polled the device before the device
    had read it. This happens at most once; another poll shows the device's state then.
    """
    return runtime.overtaken and outcome.failure is not None and outcome.remedy != "kill"


async def inspect_first(runtime: TaskRuntime) -> None:
    """Find the progress of an order in whose middle an earlier agent was killed."""
    process, runtime.must_inspect, runtime.resumed = runtime.process, False, True
    if process is None:
        return
    if process.device is None:
        await wait_for_program(runtime, process)
        return
    # The earlier agent still waited for the device to answer.
    if runtime.record.pid is None:
        runtime.record.state = TaskState.UNKNOWN
        return
    runtime.asked = "GetState"
    try:
        observed = await process.run_while_alive(
            process.device.wait_for_state(runtime.remaining_s()), PATIENCE_S, hurried=runtime.is_urgent
        )
    except O2Error as error:
        runtime.lost = True
        runtime.fail_order(runtime.asked, "-", str(error), runtime.advice)
        return
    if observed is not None:
        runtime.record.state, runtime.record.device_state = observed.state, observed.word
        # The device has obeyed EXIT.
        runtime.end_is_wanted = runtime.end_is_wanted or observed.state is TaskState.DONE


async def inspect_recovered(runtime: TaskRuntime, process: TaskProcess) -> None:
    """Poll a process of which only an older record is known, and send no order."""
    known = runtime.record
    if process.device is None:
        await wait_for_program(runtime, process)
        known.goal = known.state
        return
    try:
        observed = await process.run_while_alive(
            process.device.wait_for_state(RECOVERY_S), PATIENCE_S, hurried=False
        )
        if observed is None or not await process.is_its_own(observed.pid):
            return
    except O2Error as error:
        reason = f"its task file was damaged, and it does not answer: {error}"
        known.state, known.goal = TaskState.UNKNOWN, TaskState.UNKNOWN
        runtime.fail_order("adopt", "-", reason, runtime.advice)
        return
    known.pid, known.reported_device_id = process.pid_of(observed.pid), observed.pid
    process.device.channel.history.pid = observed.pid
    known.state = known.goal = observed.state
    known.device_state, known.failure = observed.word, None
    if observed.state in (TaskState.CONFIGURED, TaskState.RUNNING) and known.configured is None:
        known.configured = dict(known.properties)


async def kill(runtime: TaskRuntime) -> None:
    """Stop all processes of the task."""
    process, known = runtime.process, runtime.record
    if process is None:
        return
    steps = kill_sequence.kill_sequence(
        known.mode,
        asked_to_exit=runtime.end_is_wanted,
        in_error=known.device_state == "ERROR",
        lost=runtime.lost,
        grace_s=runtime.grace_s,
    )
    runtime.end_is_wanted = runtime.end_is_wanted or not runtime.given_up
    if runtime.end_is_wanted and steps[0].signal is not None:
        _note_ending(runtime)
    runtime.record_survivors(await process.stop(steps, runtime.grace_s))


def _note_ending(runtime: TaskRuntime) -> None:
    """Save that signals are sent: the next agent must not take the process for one that stays."""
    runtime.record.ending = True
    try:
        runtime.directory.save(runtime.record)
    # The process is stopped in any case.
    except OSError as error:
        log.error("the file of task %s cannot be written: %s", runtime.record.task, error)


async def confirm_state(runtime: TaskRuntime) -> None:
    """Stop processes that carry the task's mark although the agent knows no process of the task."""
    if not runtime.is_clear:
        runtime.record_survivors(
            await task_process.stop_leaderless_members(
                runtime.directory, runtime.host, runtime.grace_s, runtime.remaining
            )
        )


async def _wait_until_ready(runtime: TaskRuntime, process: TaskProcess) -> None:
    if process.device is None:
        return
    waiting = process.device.ready(process.is_its_own, runtime.remaining_s())
    outcome = await process.run_while_alive(waiting, patience_s=0.0, hurried=runtime.is_urgent)
    known, reported_pid = runtime.record, process.device.channel.history.pid
    known.pid, known.reported_device_id = process.pid_of(reported_pid), reported_pid
    if outcome is None:
        runtime.lost = not process.shim.ended.is_set()
    else:
        await _apply_outcome(runtime, outcome, process)


async def _apply_outcome(runtime: TaskRuntime, outcome: Outcome, process: TaskProcess) -> None:
    """Record the outcome as the state of the device, and decide what a failure means."""
    known = runtime.record
    known.state, known.device_state = outcome.state, outcome.device_state
    runtime.needs_restart = runtime.needs_restart or outcome.remedy == "restart"
    # No component is at fault, so the order must not fail for this reason.
    if runtime.needs_restart and runtime.resumed:
        known.fresh, runtime.resumed = known.launch is not None, False
    if outcome.failure is None:
        runtime.resumed = runtime.overtaken = False
    if outcome.failure is None:
        log.debug("task %s: %s led to %s", known.task, runtime.asked, outcome.device_state)
    elif runtime.is_shutting_down:
        runtime.lost = outcome.remedy != "restart"
    elif known.fresh and outcome.remedy == "kill":
        # The order has a launch, so there will be another process.
        runtime.lost = True
    elif known.state is TaskState.UNKNOWN and await process.has_exited_within(DEATH_SHOWS_S):
        log.info("task %s: ended during %s", known.task, runtime.asked)
    else:
        runtime.lost = outcome.remedy == "kill"
        runtime.record_surrender(outcome.failure)
