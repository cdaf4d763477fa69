"""One task: takes orders, and goes towards the newest one step by step, by itself.

Whatever happens, one runner at a time acts for a task, so its device never gets two requests at once. Steps
are decided in core/task_goal.py; here they are carried out, and what came of them is written down.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from salt_o2.agent import body, checks
from salt_o2.agent.body import Body, Host
from salt_o2.agent.home import TaskHome
from salt_o2.agent.record import Record, report_of
from salt_o2.agent.watch import Watch
from salt_o2.core import escalation
from salt_o2.core.errors import InvalidRequest, O2Error
from salt_o2.core.ids import TaskId
from salt_o2.core.messages import Command, Exit, Failure, Order, TaskReport
from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.core.task_goal import CONTROLLED, Act, Situation, next_step

if TYPE_CHECKING:
    from salt_o2.occ.outcome import Outcome

log = logging.getLogger(__name__)

STEP_DOWN_S = 5.0
"""What STOP, RESET and EXIT may take on the way to the end, where a signal does as well."""
PATIENCE_S = 1.0
"""What a step may still take once the task is to end."""
DEATH_SHOWS_S = 0.3
"""How soon after a broken connection the end of the process is seen, if that is the reason."""
BY_HAND = "kill by hand"


class Task:
    """A task of this host: its record, its body while it lives, its runner while there is something to do."""

    def __init__(self, record: Record, home: TaskHome, host: Host, changed: Callable[["Task"], None]) -> None:
        """Know ``record``, kept in ``home``; ``changed`` is called whenever there is something to report."""
        self.record, self.home, self._host, self._changed = record, home, host, changed
        self._body: Body | None = None
        self._watch: Watch | None = None
        self._runner: asyncio.Task[Failure | None] | None = None
        self._hurry = asyncio.Event()
        self._deadline: float | None = None
        self._asked = "launch"
        self._lost = self._given_up = self._stuck = self._worn = self._end_is_wanted = False
        self._must_look = False

    @property
    def id(self) -> TaskId:
        """The task's name."""
        return self.record.task

    @property
    def is_busy(self) -> bool:
        """Whether its runner is at work."""
        return self._runner is not None and not self._runner.done()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do or to know, once that has been reported."""
        return self.record.settled and self.record.goal is self.record.state is TaskState.DONE

    def report(self) -> TaskReport:
        """Say what the task is."""
        return report_of(self.record, alive=self._body is not None)

    def take(self, command: Command, order: Order) -> None:
        """Begin with ``order`` if its revision is higher than that of the last; report again in any case."""
        known = self.record
        if command.revision > known.revision:
            known.take(command, order)
            self.home.save(known)
            self._given_up = self._stuck = False
            self._deadline = None
            if known.goal is TaskState.DONE:
                self._hurry.set()
            self._resume()
        self._changed(self)

    async def adopt(self) -> None:
        """Find again the process that an earlier agent started, or how it ended meanwhile; then go on."""
        known = self.record
        self._body = body.adopt(known, self.home, self._host, self._on_end)
        if self._body is None:
            await self._note_missed_end()
        elif not known.settled:
            self._must_look = True
        else:
            self._begin_to_watch(self._body)
            if self._watch is not None:
                await self._watch.find_again()
        if not known.settled or (self._body is not None and self._body.process.gone.is_set()):
            self._resume()

    async def release(self) -> None:
        """Let go of the task, whose processes stay as they are."""
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        await self._stop_watching()
        if self._body is not None:
            await self._body.release()

    async def move(self, event: TaskEvent, arguments: Mapping[str, str], timeout_s: float) -> Failure | None:
        """Send one event because a person wants it; return why it failed, if it did.

        Raises:
            InvalidRequest: there is no control channel, or the task is busy with an order.
        """
        if self.is_busy:
            raise InvalidRequest(
                f"task {self.id} is busy with {self._asked} for its order; wait and try again"
            )
        if self._body is None or self._body.device is None:
            raise InvalidRequest(
                f"task {self.id} is {self.record.state} and has no process that takes {event}"
            )
        self._given_up = True  # whatever its order was, it is the person's now
        self._deadline = asyncio.get_running_loop().time() + timeout_s
        self._runner = asyncio.create_task(self._run(event, arguments))
        return await asyncio.shield(self._runner)

    async def kill(self) -> bool:
        """End the processes because a person wants it; tell whether they have ended."""
        if self._body is None:
            return True
        self._asked = BY_HAND
        return await self._body.end(escalation.blows(self.record.mode))

    # --- what happens by itself -----------------------------------------------------------------

    def _on_end(self) -> None:
        """The process has ended; a runner that is at work sees it by itself."""
        if not self.is_busy:
            self._resume()

    def _on_sight(self, state: TaskState, word: str, reason: str) -> None:
        """The device is where nobody sent it."""
        known = self.record
        failure = Failure(asked=f"stay {known.state}", state=word, reason=reason, advice=self._advice())
        known.state, known.device_state = state, word
        self._fail(failure)
        self._resume()

    def _on_word(self, announced: str) -> None:
        """The device signals something."""
        self.record.announced = announced
        log.info("task %s: signals %s", self.id, announced)
        if announced == "TASK_INTERNAL_ERROR" and not self.is_busy:
            self._on_sight(TaskState.ERROR, self.record.device_state, "it signalled TASK_INTERNAL_ERROR")
        self.home.save(self.record)
        self._changed(self)

    # --- the runner -----------------------------------------------------------------------------

    def _resume(self) -> None:
        if not self.is_busy:
            self._runner = asyncio.create_task(self._run())

    async def _run(
        self, event: TaskEvent | None = None, arguments: Mapping[str, str] | None = None
    ) -> Failure | None:
        """Go on until the goal is reached or given up; first carry out ``event``, and say why it failed."""
        failure = None
        try:
            if self._must_look and self._body is not None:
                await self._look_first(self._body)
            if event is not None:
                failure = await self._fire(event, arguments or {})
            while (step := await self._next()) is not Act.REST:
                await self._carry_out(step)
                self._changed(self)
        except Exception as error:  # a defect here must not leave control waiting
            log.exception("task %s: %s went wrong", self.id, self._asked)
            self._fail(Failure(asked=self._asked, state=self.record.device_state or "-", reason=repr(error)))
        self._settle()
        return failure

    async def _next(self) -> TaskEvent | Act:
        if self._body is not None and self._body.process.gone.is_set():
            await self._bury(self._body)
        known = self.record
        return next_step(
            Situation(
                mode=known.mode,
                goal=known.goal,
                state=known.state,
                alive=self._body is not None,
                fresh=known.fresh,
                replaced=self._is_replaced(),
                outdated=known.configured is not None and known.configured != known.properties,
                lost=self._lost,
                given_up=self._given_up,
                stuck=self._stuck,
            )
        )

    async def _carry_out(self, step: TaskEvent | Act) -> None:
        known = self.record
        if step is Act.LAUNCH:
            await self._launch()
        elif step is Act.KILL:
            await self._kill()
        elif step is Act.ASSUME:
            known.state, known.fresh, known.failure = known.goal, False, None
        elif isinstance(step, TaskEvent):
            await self._fire(step, known.pushed(step))

    def _settle(self) -> None:
        known = self.record
        known.settled, known.fresh = True, False
        if known.state is known.goal and not known.announced:
            known.failure = None
        self._hurry.clear()
        self.home.save(known)
        if self._body is not None:
            self._begin_to_watch(self._body)
        self._changed(self)

    def _left(self) -> float:
        """Return the seconds until the order's deadline, counted from its first step."""
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self.record.timeout_s
        return max(0.05, self._deadline - now)

    def _is_replaced(self) -> bool:
        return self._worn or self.record.launch != self.record.launched

    def _goes_down(self) -> bool:
        known = self.record
        return known.goal is TaskState.DONE or (known.fresh and self._is_replaced())

    # --- the steps ------------------------------------------------------------------------------

    async def _launch(self) -> None:
        known = self.record
        self._asked, self._worn, self._lost, self._end_is_wanted = "launch", False, False, False
        try:
            self._body = body.give_birth(known, self.home, self._host, self._on_end)
        except (checks.Refusal, OSError) as error:
            known.state, known.fresh, known.launching = TaskState.ERROR, False, False
            advice = getattr(error, "advice", "")
            self._fail(Failure(asked="launch", state="-", reason=str(error), advice=advice))
            return
        log.info("task %s: started under keeper %s", self.id, known.keeper)
        if self._body.device is None:
            known.state, known.pid = TaskState.RUNNING, await self._body.process.child()
        else:
            known.state = TaskState.UNKNOWN
            await self._wait_until_ready(self._body)

    async def _wait_until_ready(self, living: Body) -> None:
        if living.device is None:
            return
        outcome = await living.while_alive(
            living.device.ready(living.process.owns, self._left()), self._hurry, patience_s=0.0
        )
        self._note_pid(living)
        if outcome is None:
            self._lost = not living.process.gone.is_set()
        else:
            await self._believe(outcome, living)

    async def _look_first(self, living: Body) -> None:
        """An earlier agent was killed in the middle of an order: see how far it came."""
        self._must_look = False
        if living.device is None or self.record.pid is None:
            return
        self._asked = "GetState"
        try:
            seen = await living.while_alive(living.device.find(self._left()), self._hurry, PATIENCE_S)
        except O2Error as error:
            self._lost = True
            self._fail(Failure(asked=self._asked, state="-", reason=str(error), advice=self._advice()))
            return
        if seen is not None:
            self.record.state, self.record.device_state = seen.state, seen.word

    async def _fire(self, event: TaskEvent, arguments: Mapping[str, str]) -> Failure | None:
        living, down = self._body, self._goes_down()
        if living is None or living.device is None:
            raise InvalidRequest(f"task {self.id} has no control channel for {event}")
        if self.record.pid is None:  # an earlier agent was killed before the device was ready
            await self._wait_until_ready(living)
            return self.record.failure
        self._asked = event
        if event is TaskEvent.CONFIGURE:  # known to the next agent, whatever becomes of this one
            self.record.configured = dict(arguments)
            self.home.save(self.record)
        outcome = await living.while_alive(
            living.device.fire(event, arguments, min(self._left(), STEP_DOWN_S) if down else self._left()),
            asyncio.Event() if down else self._hurry,
            PATIENCE_S,
        )
        if outcome is None:
            self._lost = not living.process.gone.is_set()
            return None
        living.device.note(self.record)
        if outcome.failure is None:
            self.record.note_step(event)
            if event is TaskEvent.EXIT:
                self._end_is_wanted = self._lost = True
        await self._believe(outcome, living)
        return outcome.failure

    async def _believe(self, outcome: "Outcome", living: Body) -> None:
        """Take the outcome for where the device is, and decide what a failure means."""
        known = self.record
        known.state, known.device_state = outcome.state, outcome.device_state
        self._worn = self._worn or outcome.remedy == "restart"
        if outcome.failure is None:
            log.info("task %s: %s led to %s", self.id, self._asked, outcome.device_state)
        elif self._goes_down():
            self._lost = outcome.remedy != "restart"
        elif known.state is TaskState.UNKNOWN and await living.gone_within(DEATH_SHOWS_S):
            log.info("task %s: ended during %s", self.id, self._asked)
        else:
            self._lost = outcome.remedy == "kill"
            self._fail(outcome.failure)

    async def _kill(self) -> None:
        living, known = self._body, self.record
        if living is None:
            return
        ends_itself = self._end_is_wanted or known.device_state == "ERROR"
        self._end_is_wanted = self._end_is_wanted or not self._given_up
        if await living.end(escalation.blows(known.mode, asked_to_exit=ends_itself, lost=self._lost)):
            return
        self._stuck = True
        reason = f"processes of session {living.process.pid} do not end, not even by SIGKILL"
        state, advice = (
            known.device_state or "-",
            "they wait inside the kernel: see dmesg; the host may need a reboot",
        )
        self._fail(Failure(asked="kill", state=state, reason=reason, advice=advice))

    # --- ends -----------------------------------------------------------------------------------

    async def _bury(self, living: Body) -> None:
        await self._stop_watching()
        await living.clear_session()
        await living.release()
        self._body = None
        self._note_end(living.exit, "")
        self._lost = self._end_is_wanted = False

    async def _note_missed_end(self) -> None:
        known = self.record
        if known.launched is None or known.exit is not None or known.keeper is None:
            return
        ended = body.past_exit(known, self.home)
        await self._host.census.clear(known.keeper)
        reason = "while no agent ran: " if ended != Exit() else "when the machine went down, "
        self._note_end(ended, reason)
        if known.settled:
            self._settle()

    def _note_end(self, ended: Exit, how: str) -> None:
        known, was = self.record, self.record.device_state or str(self.record.state)
        known.exit, known.pid, known.configured = ended, None, None
        good = known.mode not in CONTROLLED and ended.code == 0
        if known.goal is TaskState.DONE or (self._end_is_wanted and self._given_up):
            known.state = TaskState.DONE
        elif self._end_is_wanted:
            known.state = TaskState.UNKNOWN
        elif self._given_up and known.failure is not None:
            known.state = TaskState.ERROR
            self._fail(known.failure)
        elif good:
            known.state = TaskState.DONE
        else:
            known.state = TaskState.ERROR
            verb = (
                "was killed by hand: " if self._asked == BY_HAND else f"ended by itself {how}".rstrip() + " "
            )
            asked = f"stay {was}" if known.settled else self._asked
            reason = (
                f"the process {verb}{ended}" if ended != Exit() else f"the process ended {how}exit unknown"
            )
            self._fail(Failure(asked=asked, state=was, reason=reason, advice=self._advice()))
        log.info("task %s: ended, %s; it is %s", self.id, ended, known.state)

    def _fail(self, failure: Failure) -> None:
        """Give up the order for this reason, with what the process last said."""
        self._given_up = True
        self.record.failure = replace(failure, output=self.home.last_words())
        log.warning("task %s: %s failed in %s: %s", self.id, failure.asked, failure.state, failure.reason)

    def _advice(self) -> str:
        return f"its last words are below, `salt {self._host.name} o2.log {self.id}` has more"

    def _note_pid(self, living: Body) -> None:
        if living.device is not None:
            self.record.pid = living.device.channel.history.pid

    # --- watching -------------------------------------------------------------------------------

    def _begin_to_watch(self, living: Body) -> None:
        if living.device is None:
            return
        if self._watch is None:
            self._watch = Watch(self, living.device, self._on_sight, self._on_word)
        self._watch.begin()

    async def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.end()
