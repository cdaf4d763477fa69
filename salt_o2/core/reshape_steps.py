"""The part of an environment's machine that follows another plan without leaving its state.

    who joins --> who is excluded, or leaves and is kept, comes to rest --> of those who leave the pool gets
                                                                            who rests, and the others end

Each is awaited before the next begins. If a user asked for the change, a task that cannot join is excluded,
with the reason, and the others go on. If control asked, to give tasks other places, no task is excluded: one
that fails goes by its recovery policy, as at any other time.
"""

from collections.abc import Collection
from dataclasses import replace

from salt_o2.core.agenda import Move
from salt_o2.core.hook_steps import HookSteps
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.effects import Drive, Effect
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.messages.reports import Failure
from salt_o2.core.plan import run_arguments
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.plan.plan_diff import Changes, compare
from salt_o2.core.pool.handover import handed_over
from salt_o2.core.states import EnvironmentEvent, TaskState
from salt_o2.core.tasks.orders import STANDING, Wave

_E = EnvironmentEvent


class ReshapeSteps(HookSteps):
    """Exchanges the plan, and does what differs."""

    def _reshape(self, wanted: Modified) -> list[Effect]:
        """Have another plan from now on, and begin to do what it changes."""
        changes = compare(self.plan, wanted.plan, self.members.excluded, wanted.excluded)
        leaving = self._exchange(wanted, changes)
        self.revision = max(self.revision, wanted.revision)  # above all that was ordered of who is claimed
        drain = {"drain_ms": str(int(wanted.drain_s * 1000))} if wanted.drain_s else {}
        stop = run_arguments.stop_arguments(self.plan.variables, wanted.at) | drain
        parting = Wave(goal=TaskState.DONE, tasks=leaving, arguments=stop)
        resting = [self.members.tasks[task] for task in changes.excluded]
        resting += self._keepable(leaving, unheard=wanted.thorough) if wanted.keep else []
        waves = [
            self._joining(wanted, changes),
            Wave(goal=TaskState.STANDBY, tasks=tuple(resting), arguments=stop),
        ]
        request = Requested(
            at=wanted.at, request=wanted.request, events=(_E.MODIFY,), user=wanted.user, keep=wanted.keep
        )
        may_exclude = changes.touched if wanted.may_exclude is None else wanted.may_exclude
        return self._open(request, self.state, waves=waves, parting=parting, may_exclude=may_exclude)

    def _is_needed(self, task: TaskId) -> bool:
        """Return whether a modification is under way that must not go on without ``task``.

        It may go on without a task that leaves, that is excluded, or that a user's change brings in. A hook
        is needed for its moment only, and its end is judged there.
        """
        transition, members = self.transition, self.members
        if transition is None or transition.event is not _E.MODIFY:
            return False
        if members.is_leaving(task) or members.tasks[task].trigger:
            return False
        return task not in transition.may_exclude and task not in members.excluded

    def _exchange(self, wanted: Modified, changes: Changes) -> tuple[PlannedTask, ...]:
        """Take the new plan; return the tasks that are to leave, which are members until they have."""
        out_of_reach = self.members.unreachable  # what runs there is ended when it is back and tells of it
        gone = [self.members.tasks[task] for task in changes.leaving]
        present = {task.id for task in wanted.plan.tasks}
        gone += [task for task in self.members.leaving() if task.id not in present]  # of one cut short
        leaving = tuple(task for task in gone if task.host not in out_of_reach)
        self.members.replan(wanted.plan, wanted.excluded, keep=leaving)
        self.hooks.replan(wanted.plan)
        for task in changes.touched:
            self.repairs.open.pop(task, None)
        return leaving

    def _joining(self, wanted: Modified, changes: Changes) -> Wave:
        tasks = self.members.tasks
        joining: Collection[TaskId] = changes.joining
        if wanted.thorough:
            joining = [task.id for task in self.members.taking_part(_E.MODIFY)]
        return Wave(
            goal=STANDING[self.state],
            tasks=tuple(tasks[task] for task in joining),
            launch=True,
            properties=True,
            arguments=self.arguments,
        )

    def _keepable(self, leaving: Collection[PlannedTask], *, unheard: bool) -> list[PlannedTask]:
        """Return who of those ``leaving`` may be kept, once it rests: it is there, and well.

        Those that nothing was heard of may be there, too, if control was started again just now.
        """
        known = self.members.reports
        there = {task.id for task in self.members.keepable() if unheard or task.id in known}
        return [task for task in leaving if task.id in there]

    def _part(self, at: float) -> list[Effect]:
        """Let go of who leaves: the pool has who is to be kept and rests, the others are ended."""
        assert self.transition
        parting, request = self.transition.parting, self.transition.request
        resting = set(self.members.resting(self.transition.rested)) if request.keep else set()
        kept = [task.id for task in parting.tasks if task.id in resting]
        effects = handed_over(self.members, kept, self.id, self.revision, request.user)
        self.members.forget(kept)
        others = tuple(task for task in parting.tasks if task.id not in resting)
        return effects + (self._send(replace(parting, tasks=others), at) if others else [])

    def _take_out(self, failures: dict[TaskId, Failure], reason: str) -> list[Effect]:
        """Exclude tasks that a user's change could not bring in; all others go on."""
        assert self.transition
        for task, failure in failures.items():
            if not self.members.is_leaving(task):  # who leaves is out already
                self.members.exclude(task, failure.reason)
        self.transition.error = "\n".join(filter(None, (self.transition.error, reason)))
        later = Move() in self.transition.stages  # who leaves and did not come to rest is ended there
        gone = [task for task in failures if not (later and self.members.is_leaving(task))]
        wave = Wave(goal=TaskState.DONE, tasks=tuple(self.members.tasks[task] for task in gone))
        sent = self._commands(wave, _E.EXIT) if gone else []
        return [Drive(command=command) for command in sent]
