"""One task: accepts orders, and moves towards the goal of the newest one step by step.

At any time, only one runner acts for a task, so its device never gets two requests at once. Steps are decided
in core/tasks/next_action.py and executed in actions.py.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from salt_o2.agent.device.watcher import DeviceWatcher
from salt_o2.agent.launch import resource_limits, shim
from salt_o2.agent.process import launcher, task_process
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.task_process import TaskProcess
from salt_o2.agent.storage.command_journal import PersistedCommand
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord, report_of, unexplained
from salt_o2.agent.task import actions
from salt_o2.agent.task.runtime import KILLED_MANUALLY, TaskRuntime
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.reports import Exit, Failure, TaskReport
from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.core.tasks import kill_sequence
from salt_o2.core.tasks.next_action import AgentAction, is_reached, next_action

log = logging.getLogger(__name__)
SAVE_SOON_S = 2.0
DEFECT = "report this as a defect"
NO_ROOM = "the agent must be able to write there: free disk space, or check the owner of the folder"


class Task:
    """A task of this host: its record, its runtime state, and a runner while there is work to do."""

    def __init__(
        self, record: TaskRecord, home: TaskDirectory, host: HostResources, changed: Callable[["Task"], None]
    ) -> None:
        """Use ``record``, stored in ``home``; ``changed`` is called whenever there is a change to report."""
        self.record, self.home, self._changed = record, home, changed
        home.record_shim(record)
        never_ran = record.launched is None and not record.recovered
        may_run = host.may_have_orphans or host.terminations.is_under_way(home.folder)
        is_clear = never_ran and not may_run
        self._runtime = TaskRuntime(
            record=record, directory=home, host=host, on_end=self._on_end, is_clear=is_clear
        )
        self._watch: DeviceWatcher | None = None
        self._runner: asyncio.Task[Failure | None] | None = None
        self._saving: asyncio.TimerHandle | None = None
        self._signals: set[str] = set()
        """Signals that the device has sent in the current step."""
        self._unsaved: list[PersistedCommand] = []
        """Commands that only their own files show, not the record's file."""

    @property
    def id(self) -> TaskId:
        """The task's name."""
        return self.record.task

    @property
    def is_busy(self) -> bool:
        """Whether the runner is at work."""
        return self._runner is not None and not self._runner.done()

    @property
    def is_over(self) -> bool:
        """Whether the task is finished and can be removed, once that has been reported."""
        known = self.record
        return known.settled and known.goal is TaskState.DONE and self._is_where_it_should_be

    @property
    def _is_where_it_should_be(self) -> bool:
        known = self.record
        return is_reached(known.mode, known.goal, known.state, alive=self._runtime.process is not None)

    def report(self) -> TaskReport:
        """Return the report of the task."""
        return report_of(self.record, alive=self._runtime.process is not None)

    def apply_order(self, command: Command, order: Order, persisted: PersistedCommand | str) -> None:
        """Start ``order`` of a persisted command; if ``persisted`` is an error text, give the order up.

        An order to end the task is executed in any case, and a defect here ends no other order.
        """
        # The record is saved when this order is over; the command is saved already.
        self._cancel_saving()
        self.record.apply_order(command, order)
        try:
            self._begin(command, persisted)
        except Exception as error:
            log.exception("task %s: the order to be %s could not be begun", self.id, command.goal)
            self._runtime.fail_order("order", self.record.device_state or "-", repr(error), DEFECT)
        self._resume()

    def _begin(self, command: Command, persisted: PersistedCommand | str) -> None:
        self._runtime.begin_order()
        if isinstance(persisted, PersistedCommand):
            self._unsaved.append(persisted)
            self.home.record_order(self.record)
        elif command.goal is not TaskState.DONE:
            self._runtime.fail_order("order", self.record.device_state or "-", persisted, NO_ROOM)

    async def adopt(self) -> None:
        """Find the process that an earlier agent started, or how it ended meanwhile; then continue."""
        known, runtime = self.record, self._runtime
        runtime.process = await launcher.adopt_process(known, self.home, runtime.host, self._on_end)
        runtime.end_is_wanted, runtime.lost = known.ending, known.ending and runtime.process is not None
        recovered, known.recovered = known.recovered, False
        if runtime.process is None:
            await self._note_missed_end()
        elif recovered and known.settled:
            await self._accept_current_state(runtime.process)
        elif not known.settled:
            runtime.adopt_unfinished_order()
        else:
            self._watch_the_living()
            if self._watch is not None:
                await self._watch.find_again()
        if not known.settled or (runtime.process is not None and runtime.process.shim.ended.is_set()):
            self._resume()

    async def _accept_current_state(self, process: TaskProcess) -> None:
        """Make the present state of the process the goal: the file was damaged, and its copy may be older."""
        self._runtime.end_is_wanted = self._runtime.lost = self.record.ending = False
        await actions.inspect_recovered(self._runtime, process)
        self._save()
        self._watch_the_living()
        self._changed(self)

    def abandon(self, asked: str, error: Exception) -> None:
        """Settle with a failure because of ``error``, a defect, so that control does not wait."""
        self._runtime.fail_order(asked, self.record.device_state or "-", repr(error), DEFECT)
        self._settle()

    async def release(self) -> None:
        """Release the task; its processes keep running."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._stop_watching()
        if self._saving is not None:
            self._save()
        if self._runtime.process is not None:
            await self._runtime.process.release()

    # --- manual control -------------------------------------------------------------------------

    async def move(self, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float) -> Failure | None:
        """Send one event that a user requests; return why it failed, if it did.

        Raises:
            InvalidRequestError: the task has no control channel, or is busy with an order.
        """
        runtime = self._runtime
        if self.is_busy:
            raise InvalidRequestError(
                f"task {self.id} is busy with {runtime.asked} for its order; wait and try again"
            )
        if runtime.process is None or runtime.process.device is None:
            raise InvalidRequestError(
                f"task {self.id} is {self.record.state} and has no process that accepts {event}"
            )
        # The user controls the task from now on, whatever its order was.
        runtime.given_up = self.record.moved_by_user = True
        runtime.deadline = asyncio.get_running_loop().time() + timeout_s
        self._runner = asyncio.create_task(self._run(event, arguments))
        return await asyncio.shield(self._runner)

    async def kill(self) -> bool:
        """Stop the processes because a user requests it; return whether they have ended."""
        if self._runtime.process is None:
            return True
        self._runtime.asked = KILLED_MANUALLY
        grace_s = self._runtime.grace_s
        survivors = await self._runtime.process.stop(
            kill_sequence.kill_sequence(self.record.mode, grace_s=grace_s), grace_s
        )
        self.record.killed = self.record.killed or survivors.killed
        return not survivors.remaining

    def trim_output(self) -> None:
        """Keep the output of the processes within its bounds."""
        try:
            self.home.trim(self.record.launched)
        except OSError as error:
            log.warning("the output of task %s cannot be shortened: %s", self.id, error)

    # --- limits ---------------------------------------------------------------------------------

    @property
    def is_limited(self) -> bool:
        """Whether a launch of the task sets limits; its process may have ended or may not have begun."""
        launches = (self.record.launched, self.record.launch)
        return any(launch is not None and launch.limits != resource_limits.NOTHING for launch in launches)

    @property
    def has_limits(self) -> bool:
        """Whether the agent must check that the task stays within its limits."""
        process = self._runtime.process
        return process is not None and process.has_limits

    async def keep_limits(self) -> None:
        """Stop the processes if they exceed a limit; no other task is affected."""
        process = self._runtime.process
        if process is None or self._runtime.excess or not (excess := await process.limit_violation()):
            return
        self._runtime.excess = excess
        log.warning("task %s: %s; ending it", self.id, excess)
        await process.members.kill()

    # --- the runner -----------------------------------------------------------------------------

    def _resume(self) -> None:
        if not self.is_busy:
            self._runner = asyncio.create_task(self._run())

    async def _run(
        self, event: TaskEvent | None = None, arguments: Mapping[str, str] | None = None
    ) -> Failure | None:
        """Run until the goal is reached or given up; first execute ``event``, and return why it failed."""
        failure, runtime = None, self._runtime
        await runtime.host.terminations.over(self.home.folder)
        try:
            if event is not None:
                failure = await actions.send_event(runtime, event, arguments or {})
            while (step := await self._next()) is not AgentAction.WAIT:
                await actions.execute(runtime, step)
                self._watch_the_living()
                self._changed(self)
        except OSError as error:
            runtime.fail_order(
                runtime.asked, self.record.device_state or "-", f"{self.home.folder}: {error}", NO_ROOM
            )
        # A defect here must not leave control waiting.
        except Exception as error:
            log.exception("task %s: %s failed", self.id, runtime.asked)
            runtime.fail_order(runtime.asked, self.record.device_state or "-", repr(error), DEFECT)
        self._settle()
        return failure

    async def _next(self) -> TaskEvent | AgentAction:
        if self._runtime.must_inspect:
            await actions.inspect_first(self._runtime)
        process = self._runtime.process
        if process is not None and process.shim.ended.is_set():
            await self._finalize(process)
        return next_action(self._runtime.situation())

    async def _finalize(self, process: TaskProcess) -> None:
        await self._stop_watching()
        if not self._runtime.stuck:
            self._runtime.record_survivors(await process.stop_members(self._runtime.grace_s))
        if not self._runtime.stuck:
            self._runtime.excess = process.leave_control_group() or self._runtime.excess
        task_process.remove_leftovers(self.record, self.home, self._runtime.host)
        # The output is not checked again, and may have grown since the last check.
        self.trim_output()
        await process.release()
        self._runtime.process = None
        self._runtime.record_exit(process.exit)

    def _save(self) -> None:
        """Save the record; an order that cannot be saved is given up, unless it is to end the task."""
        self._cancel_saving()
        try:
            self.home.save(self.record)
            self.forget_commands()
        except OSError as error:
            log.error("the file of task %s cannot be written: %s", self.id, error)
            if self.record.goal is not TaskState.DONE and not self.record.settled:
                self._runtime.fail_order(
                    "order", self.record.device_state or "-", f"{self.home.folder}: {error}", NO_ROOM
                )

    def forget_commands(self) -> None:
        """Remove the commands that no other task needs: the record's file shows them, or needs not."""
        for persisted in self._unsaved:
            persisted.shown(self.id)
        self._unsaved.clear()

    def _cancel_saving(self) -> None:
        """Cancel the delayed save: the caller saves the record, at once or later."""
        if self._saving is not None:
            self._saving.cancel()
            self._saving = None

    def _save_soon(self) -> None:
        """Save a step's success later: after a kill in between, the next agent polls the device."""
        if self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(SAVE_SOON_S, self._save)

    def _settle(self) -> None:
        known, process = self.record, self._runtime.process
        can_be_asked = process is not None and process.device is not None and not known.fresh
        known.settled, known.fresh = True, False
        if self._is_where_it_should_be and not known.announced:
            known.failure = None
        self._explain()
        self._runtime.is_urgent = False
        if can_be_asked and known.failure is None and known.goal is not TaskState.DONE:
            self._save_soon()
        else:
            self._save()
        self._watch_the_living()
        self._changed(self)

    def _explain(self) -> None:
        """Add a failure if the task settles elsewhere than at its goal without one."""
        alive = self._runtime.process is not None
        if (failure := unexplained(self.record, alive=alive)) is None:
            return
        if not alive and self.record.goal is not TaskState.DONE:
            self.record.state = TaskState.ERROR
        self._runtime.record_surrender(failure)

    # --- events without an order ----------------------------------------------------------------

    def _on_end(self) -> None:
        """Start the runner after the end of the process; a runner already at work sees the end itself."""
        self._resume()

    def _on_observed_state(self, state: TaskState, word: str, reason: str) -> None:
        """Handle a state of the device that no request of this agent led to."""
        was = self.record.state
        self.record.state, self.record.device_state = state, word
        if state is not TaskState.ERROR and self._runtime.accept_late_request():
            self.record.settled = False
            self._resume()
            return
        self._runtime.fail_order(f"stay {was}", word, reason, self._runtime.advice)
        self._resume()

    def _on_device_message(self, announced: str) -> None:
        """Handle a signal of the device; a repeated signal in the same step is ignored."""
        if not self.record.announced:
            # A step has started since the last signal.
            self._signals.clear()
        if announced in self._signals:
            return
        self._signals.add(announced)
        self.record.announced = announced
        log.info("task %s: signals %s", self.id, announced)
        if announced == "TASK_INTERNAL_ERROR" and not self.is_busy:
            self._on_observed_state(
                TaskState.ERROR, self.record.device_state, "it signalled TASK_INTERNAL_ERROR"
            )
        self._save()
        self._changed(self)

    async def _note_missed_end(self) -> None:
        known = self.record
        if known.launched is None or known.exit is not None or known.shim is None:
            return
        ended = task_process.recorded_exit(known, self.home, self._runtime.host.kernel)
        known.killed = known.killed or shim.has_killed(self.home.files.status)
        await actions.confirm_state(self._runtime)
        task_process.remove_leftovers(known, self.home, self._runtime.host)
        self._runtime.record_exit(
            ended, "while no agent ran" if ended != Exit() else "when the machine went down"
        )
        if known.settled:
            self._settle()

    # --- watching -------------------------------------------------------------------------------

    def _watch_the_living(self) -> None:
        """Watch the device from the moment it is ready: its signals are not repeated."""
        process = self._runtime.process
        if process is None or process.device is None or self.record.pid is None:
            return
        if self._watch is None:
            self._watch = DeviceWatcher(
                self, process.device, self._on_observed_state, self._on_device_message
            )
        self._watch.begin()

    async def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.end()
