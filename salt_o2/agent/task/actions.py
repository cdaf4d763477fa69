"""Executes one step of a task: launch, an event, kill; and decides what a failure of it means."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
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


async def execute(life: TaskRuntime, step: TaskEvent | AgentAction) -> None:
    """Execute the decision of core/tasks/next_action.py; write the result into the record."""
    known = life.record
    if step is AgentAction.LAUNCH:
        async with life.host.start_limiter.slot():
            # An order for DONE may have arrived meanwhile.
            if known.goal is not TaskState.DONE:
                await launch(life)
    elif step is AgentAction.KILL:
        await kill(life)
    elif step is AgentAction.ASSUME_GOAL:
        goal = known.goal
        if goal is TaskState.DONE:
            await confirm_state(life)
        # Another order has arrived meanwhile.
        if life.stuck or known.goal is not goal:
            return
        known.state, known.fresh, known.failure = goal, False, None
    elif isinstance(step, TaskEvent):
        await send_event(life, step, known.arguments_for(step))


async def launch(life: TaskRuntime) -> None:
    """Start the process, and wait until it can be configured."""
    known = life.record
    life.asked, life.needs_restart, life.lost, life.end_is_wanted = "launch", False, False, False
    await confirm_state(life)
    if life.stuck:
        known.state, known.fresh = TaskState.ERROR, False
        return
    # An order for DONE has arrived meanwhile.
    if known.goal is TaskState.DONE:
        return
    life.is_clear = False
    try:
        life.process = await _start_process(life)
    except (Refusal, OSError) as error:
        known.state, known.fresh, known.launching = TaskState.ERROR, False, False
        ports = error.ports if isinstance(error, preflight.PortsTaken) else ()
        life.fail_order("launch", "-", str(error), getattr(error, "advice", ""), ports)
        return
    log.info("task %s: started under keeper %s", known.task, known.shim)
    if life.process.device is None:
        await wait_for_program(life, life.process)
    else:
        await _wait_until_ready(life, life.process)


async def wait_for_program(life: TaskRuntime, living: TaskProcess) -> None:
    """Record that a task without a control channel runs: the existing process is its only state."""
    life.record.state = TaskState.RUNNING
    life.record.pid = await living.process.child()


async def _start_process(life: TaskRuntime) -> TaskProcess:
    """Start the process; if its port is taken, first stop orphaned processes of this agent."""
    try:
        return launcher.start_process(life.record, life.directory, life.host, life.on_end)
    except preflight.PortsTaken:
        if not await orphan_termination.end_all(life.host):
            raise
        return launcher.start_process(life.record, life.directory, life.host, life.on_end)


async def send_event(life: TaskRuntime, event: TaskEvent, arguments: Mapping[str, str]) -> Failure | None:
    """Take the device through ``event``; return why it failed, if it did.

    Raises:
        InvalidRequestError: the task has no device.
    """
    known, living, down = life.record, life.process, life.is_shutting_down
    if living is None or living.device is None:
        raise InvalidRequestError(f"task {known.task} has no control channel for {event}")
    # An earlier agent was killed before the device was ready.
    if known.pid is None:
        await _wait_until_ready(life, living)
        return known.failure
    life.asked = event
    # The next agent must know this, even if this agent is killed.
    if event is TaskEvent.CONFIGURE:
        known.configured = dict(arguments)
        life.directory.record_configuration(known)
    outcome = await living.run_while_alive(
        living.device.fire(
            event, arguments, min(life.remaining_s(), STEP_DOWN_S) if down else life.remaining_s()
        ),
        STEP_DOWN_S if down else PATIENCE_S,
        hurried=life.is_urgent and not down,
    )
    if outcome is None:
        life.lost = not living.process.gone.is_set()
        return None
    if _was_overtaken(life, outcome):
        life.overtaken, life.must_inspect = False, True
        return None
    living.device.record_state(known)
    if outcome.failure is None:
        known.record_step(event)
        if event is TaskEvent.EXIT:
            life.end_is_wanted = life.lost = True
    await _apply_outcome(life, outcome, living)
    return outcome.failure


def _was_overtaken(life: TaskRuntime, outcome: "Outcome") -> bool:
    """Return whether the step may have failed because a request of an earlier agent came in between.

    The earlier agent was killed after it had sent the request. This agent polled the device before the device
    had read it. This happens at most once; another poll shows the device's state then.
    """
    return life.overtaken and outcome.failure is not None and outcome.remedy != "kill"


async def inspect_first(life: TaskRuntime) -> None:
    """Find the progress of an order in whose middle an earlier agent was killed."""
    living, life.must_inspect, life.resumed = life.process, False, True
    if living is None:
        return
    if living.device is None:
        await wait_for_program(life, living)
        return
    # The earlier agent still waited for the device to answer.
    if life.record.pid is None:
        life.record.state = TaskState.UNKNOWN
        return
    life.asked = "GetState"
    try:
        seen = await living.run_while_alive(
            living.device.wait_for_state(life.remaining_s()), PATIENCE_S, hurried=life.is_urgent
        )
    except O2Error as error:
        life.lost = True
        life.fail_order(life.asked, "-", str(error), life.advice)
        return
    if seen is not None:
        life.record.state, life.record.device_state = seen.state, seen.word
        # The device has obeyed EXIT.
        life.end_is_wanted = life.end_is_wanted or seen.state is TaskState.DONE


async def inspect_recovered(life: TaskRuntime, living: TaskProcess) -> None:
    """Poll a process of which only an older record is known, and send no order."""
    known = life.record
    if living.device is None:
        await wait_for_program(life, living)
        known.goal = known.state
        return
    try:
        seen = await living.run_while_alive(
            living.device.wait_for_state(RECOVERY_S), PATIENCE_S, hurried=False
        )
        if seen is None or not await living.is_its_own(seen.pid):
            return
    except O2Error as error:
        reason = f"its task file was damaged, and it does not answer: {error}"
        known.state, known.goal = TaskState.UNKNOWN, TaskState.UNKNOWN
        life.fail_order("adopt", "-", reason, life.advice)
        return
    known.pid, known.reported_device_id = living.pid_of(seen.pid), seen.pid
    living.device.channel.history.pid = seen.pid
    known.state = known.goal = seen.state
    known.device_state, known.failure = seen.word, None
    if seen.state in (TaskState.CONFIGURED, TaskState.RUNNING) and known.configured is None:
        known.configured = dict(known.properties)


async def kill(life: TaskRuntime) -> None:
    """Stop all processes of the task."""
    living, known = life.process, life.record
    if living is None:
        return
    steps = kill_sequence.kill_sequence(
        known.mode,
        asked_to_exit=life.end_is_wanted,
        in_error=known.device_state == "ERROR",
        lost=life.lost,
        grace_s=life.grace_s,
    )
    life.end_is_wanted = life.end_is_wanted or not life.given_up
    if life.end_is_wanted and steps[0].signal is not None:
        _note_ending(life)
    life.record_survivors(await living.stop(steps, life.grace_s))


def _note_ending(life: TaskRuntime) -> None:
    """Save that signals are sent: the next agent must not take the process for one that stays."""
    life.record.ending = True
    try:
        life.directory.save(life.record)
    # The process is stopped in any case.
    except OSError as error:
        log.error("the file of task %s cannot be written: %s", life.record.task, error)


async def confirm_state(life: TaskRuntime) -> None:
    """Stop processes that carry the task's mark although the agent knows no process of the task."""
    if not life.is_clear:
        life.record_survivors(
            await task_process.stop_leaderless_members(life.directory, life.host, life.grace_s, life.left)
        )


async def _wait_until_ready(life: TaskRuntime, living: TaskProcess) -> None:
    if living.device is None:
        return
    waiting = living.device.ready(living.is_its_own, life.remaining_s())
    outcome = await living.run_while_alive(waiting, patience_s=0.0, hurried=life.is_urgent)
    known, told = life.record, living.device.channel.history.pid
    known.pid, known.reported_device_id = living.pid_of(told), told
    if outcome is None:
        life.lost = not living.process.gone.is_set()
    else:
        await _apply_outcome(life, outcome, living)


async def _apply_outcome(life: TaskRuntime, outcome: "Outcome", living: TaskProcess) -> None:
    """Record the outcome as the state of the device, and decide what a failure means."""
    known = life.record
    known.state, known.device_state = outcome.state, outcome.device_state
    life.needs_restart = life.needs_restart or outcome.remedy == "restart"
    # No component is at fault, so the order must not fail for this reason.
    if life.needs_restart and life.resumed:
        known.fresh, life.resumed = known.launch is not None, False
    if outcome.failure is None:
        life.resumed = life.overtaken = False
    if outcome.failure is None:
        log.debug("task %s: %s led to %s", known.task, life.asked, outcome.device_state)
    elif life.is_shutting_down:
        life.lost = outcome.remedy != "restart"
    elif known.fresh and outcome.remedy == "kill":
        # The order has a launch, so there will be another process.
        life.lost = True
    elif known.state is TaskState.UNKNOWN and await living.has_exited_within(DEATH_SHOWS_S):
        log.info("task %s: ended during %s", known.task, life.asked)
    else:
        life.lost = outcome.remedy == "kill"
        life.record_surrender(outcome.failure)
