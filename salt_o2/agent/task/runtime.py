"""Runtime state of one task: facts beyond the record, which are lost when the agent is killed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.member_processes import Survivors, advice_on, in_words
from salt_o2.agent.process.task_process import TaskProcess
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.messages.reports import Exit, Failure
from salt_o2.core.plan.launch import GRACE_S
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.tasks.next_action import CONTROLLED, TaskSituation
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)
KILLED_MANUALLY = "manual kill"
LATE_REQUEST_S = 10.0
"""How long after the adoption of a device the last request of the earlier agent may still take effect."""


@dataclass(slots=True, kw_only=True)
class TaskRuntime:
    """One task, as its runner sees it."""

    record: TaskRecord
    directory: TaskDirectory
    host: HostResources
    on_end: Callable[[], None]
    """Called when the process ends."""
    process: TaskProcess | None = None
    """The processes of the task, if it has any."""
    is_urgent: bool = False
    """True while the task is to end and a step in progress must finish first."""
    deadline: float | None = None
    """The deadline of the order, once the order has started."""
    asked: str = "launch"
    """The last request to the process."""
    lost: bool = False
    given_up: bool = False
    stuck: bool = False
    """As in core/tasks/next_action.py."""
    needs_restart: bool = False
    """The process answers but can only be ended: another process must be started."""
    excess: str = ""
    """The limit that the process was ended for, in words."""
    is_clear: bool = False
    """No process of the task exists, as far as this agent has checked."""
    end_is_wanted: bool = False
    must_inspect: bool = False
    """An earlier agent was killed in the middle of an order."""
    resumed: bool = False
    """No step has succeeded since then: it may be impossible to continue from the present state."""
    overtaken: bool = False
    """The last request of that agent may still reach the process after the first poll."""
    adopted_at: float = 0.0
    """When this agent adopted the process, by the clock of the event loop."""

    def adopt_unfinished_order(self) -> None:
        """Prepare to continue an order in whose middle an earlier agent was killed."""
        self.must_inspect = self.overtaken = True
        self.adopted_at = asyncio.get_running_loop().time()

    def accept_late_request(self) -> bool:
        """Return whether a move of the device may be the effect of a request of the earlier agent, once.

        The order may have been settled before: the poll showed its goal, because the device had not read that
        request yet. The order gets its whole time again.
        """
        late = asyncio.get_running_loop().time() - self.adopted_at < LATE_REQUEST_S
        accepted, self.overtaken = self.overtaken and late, False
        if accepted:
            self.deadline = None
        return accepted

    def begin_order(self) -> None:
        """Start a new order: steps that failed before may be tried again."""
        self.given_up = self.stuck = False
        self.deadline = None
        self.is_urgent = self.record.goal is TaskState.DONE
        if self.process is None:
            return
        if self.is_urgent:
            self.process.shorten_deadline()
        else:
            self.process.restore_deadline()

    def remaining_s(self) -> float:
        """Return the seconds until the order's deadline, counted from its first step."""
        now = asyncio.get_running_loop().time()
        if self.deadline is None:
            self.deadline = now + self.record.timeout_s
        return max(0.05, self.deadline - now)

    def situation(self) -> TaskSituation:
        """Return the situation that decides the next step."""
        known = self.record
        return TaskSituation(
            mode=known.mode,
            goal=known.goal,
            state=known.state,
            alive=self.process is not None,
            fresh=known.fresh,
            replaced=self.is_replaced,
            outdated=known.configured is not None and known.configured != known.properties,
            lost=self.lost,
            given_up=self.given_up,
            stuck=self.stuck,
        )

    @property
    def is_replaced(self) -> bool:
        """Whether the running process is not the one that the order wants."""
        return self.needs_restart or self.record.launch != self.record.launched

    @property
    def is_shutting_down(self) -> bool:
        """Whether the process is about to end, where a failure only shortens the wait."""
        return self.record.goal is TaskState.DONE or (self.record.fresh and self.is_replaced)

    @property
    def grace_s(self) -> float:
        """Return the seconds between SIGTERM and SIGKILL, as the newest order has them."""
        launch = self.record.launch or self.record.launched
        return launch.grace_s if launch else GRACE_S

    @property
    def remaining(self) -> tuple[Entry, ...]:
        """Return the processes that did not end and still exist."""
        known = self.record.remaining_pids if self.record.boot == self.host.kernel.boot_id() else ()
        found = ((self.host.kernel.entry(pid), started) for pid, started in known)
        return tuple(each for each, started in found if each is not None and each.started == started)

    def record_survivors(self, survivors: Survivors) -> None:
        """Record the stop of all processes; if some remain, the task fails with the reason."""
        self.record.killed = self.record.killed or survivors.killed
        self.record.remaining_pids = tuple((each.pid, each.started) for each in survivors.remaining)
        self.is_clear, self.stuck = not survivors.remaining, bool(survivors.remaining)
        if survivors.killed:
            log.warning("task %s: had to be killed by SIGKILL", self.record.task)
        if survivors.remaining:
            reason = (
                f"these processes do not end after SIGKILL: {in_words(survivors.remaining, self.host.kernel)}"
            )
            self.fail_order(
                "kill",
                self.record.device_state or "-",
                reason,
                advice_on(survivors.remaining, self.host.kernel),
            )

    def fail_order(
        self, asked: str, state: str, reason: str, advice: str = "", taken_ports: tuple[int, ...] = ()
    ) -> None:
        """Give up the order for this reason; ``taken_ports`` as in core/messages/commands.py:Failure."""
        self.record_surrender(
            Failure(asked=asked, state=state, reason=reason, advice=advice, taken_ports=taken_ports)
        )

    def record_surrender(self, failure: Failure) -> None:
        """Give up the order, and record the reason with the last state that the process reported."""
        self.given_up = True
        self.record.failure = replace(failure, output=self.directory.output_tail())
        log.warning(
            "task %s: %s failed in %s: %s", self.record.task, failure.asked, failure.state, failure.reason
        )

    @property
    def advice(self) -> str:
        """The advice for a process that moved without a request."""
        task = self.record.task
        more = f"`coconut task log {task}` (`salt {self.host.name} o2.log {task}`)"
        return f"its last output is below, {more} has more"

    def record_exit(self, ended: Exit, how: str = "") -> None:
        """Record the end of the process, wanted or not; ``how`` goes into the reason, if one is needed."""
        known, was = self.record, self.record.device_state or str(self.record.state)
        known.exit, known.pid, known.configured, known.ending = ended, None, None, False
        if self.stuck:
            known.state = TaskState.ERROR
            log.error("task %s: ended, %s, and left processes that do not end", known.task, ended)
            return
        if known.goal is TaskState.DONE or (self.end_is_wanted and self.given_up):
            known.state = TaskState.DONE
        elif self.end_is_wanted or (known.fresh and not self.given_up):
            # The next step starts anew from here.
            known.state = TaskState.UNKNOWN
        elif self.given_up and known.failure is not None:
            known.state = TaskState.ERROR
            self.record_surrender(known.failure)
        elif known.mode not in CONTROLLED and ended.code == 0:
            known.state = TaskState.DONE
            known.output = self.directory.output_tail() if known.mode is ControlMode.HOOK else ()
        else:
            known.state = TaskState.ERROR
            asked = f"stay {was}" if known.settled else self.asked
            self.fail_order(asked, was, self._why_it_ended(ended, how), self.advice)
        self.lost, self.end_is_wanted, self.excess = False, False, ""
        log.info("task %s: ended, %s; it is %s", known.task, ended, known.state)

    def _why_it_ended(self, ended: Exit, how: str) -> str:
        if self.excess:
            return f"the process was stopped: {self.excess}"
        if ended == Exit():
            return f"the process ended {how}; its exit status is not known"
        if self.asked == KILLED_MANUALLY:
            return f"a user killed the process: {ended}"
        return f"the process ended unexpectedly{f' {how}' if how else ''}: {ended}"
