"""What holds for an environment with hooks, calls, policies and lost hosts, reshaped and restarted at random.

The sentence that is tried here: over random sequences of requests, task moves and losses no illegal state is
reached, nothing that was started is forgotten, every wait ends, and a replay of the journal gives the same.
"""

from dataclasses import replace

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import O2Error
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.effects import (
    AllocateTaskResources,
    CallIntegration,
    CancelCall,
    ReleaseResources,
    ReleaseTaskResources,
    Reschedule,
    ResendAsJob,
    SendCommand,
    TransferToPool,
)
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    Modified,
    RecoverTask,
    Requested,
    RescheduleFailed,
    TasksMoved,
    Tick,
)
from salt_o2.core.messages.reports import Exit, Failure, TaskReport, is_idle
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import parse
from salt_o2.core.plan.plan import PlannedCall
from salt_o2.core.plan.plan_diff import diff_plans
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.replay import KINDS, Created, Restarted, begin, replay
from salt_o2.core.states import (
    TRANSITIONS,
    ControlMode,
    EnvironmentEvent,
    EnvironmentState,
    TaskState,
    TaskStatus,
)
from salt_o2.core.tasks.completion import RunCompletion
from salt_o2.core.tasks.orders import STABLE_TASK_STATE
from tests.support.builders.plans import plan_of, planned

HOSTS = ("h1", "h2", "h3")
POOL = {
    "readout": planned("readout", "h1", recovery="restart"),
    "stfb": planned("stfb", "h2"),
    "monitor": planned("monitor", "h2", critical=False),
    "calibrator": planned("calibrator", "h3", recovery="stop"),
    "qc": planned("qc", "h3", recovery="ignore"),
    "program": planned("program", "h1", launch=Launch(mode=ControlMode.BASIC, value="x"), properties={}),
    "helper": planned(
        "helper",
        "h2",
        launch=Launch(mode=ControlMode.BASIC, value="x"),
        properties={},
        critical=False,
        recovery="restart",
    ),
}
NAMES = tuple(sorted(POOL))
HOOK = Launch(mode=ControlMode.HOOK, value="check")
HOOKS = (
    planned("check", "h1", trigger=parse("before_START_ACTIVITY"), launch=HOOK, properties={}, timeout_s=9.0),
    planned("sweep", "h2", trigger=parse("DESTROY"), launch=HOOK, properties={}, critical=False),
)
CALLS = (
    PlannedCall(
        path="root.arm",
        func="t.arm()",
        trigger=parse("before_CONFIGURE"),
        until=parse("after_CONFIGURE"),
        result="armed",
    ),
    PlannedCall(
        path="root.note", func="t.note()", trigger=parse("enter_RUNNING"), until=parse("leave_RUNNING")
    ),
)

HOOK_NAMES = tuple(task.id for task in HOOKS)
WAY_UP = (EnvironmentEvent.DEPLOY, EnvironmentEvent.CONFIGURE, EnvironmentEvent.START_ACTIVITY)
NEXT = {
    EnvironmentState.STANDBY: EnvironmentEvent.DEPLOY,
    EnvironmentState.DEPLOYED: EnvironmentEvent.CONFIGURE,
    EnvironmentState.CONFIGURED: EnvironmentEvent.START_ACTIVITY,
    EnvironmentState.RUNNING: EnvironmentEvent.STOP_ACTIVITY,
    EnvironmentState.ERROR: EnvironmentEvent.RECOVER,
}
MOVES = {(source, target) for _, source, target in TRANSITIONS}
FAILURE = Failure(asked="-", state="-", reason="it broke")


def plan(names):
    variables = {"recovery_restarts": "2", "auto_stop_enabled": "true", "auto_stop_timeout": "300s"}
    return plan_of(*(POOL[name] for name in sorted(names)), *HOOKS, tolerate=1, calls=CALLS, **variables)


class RandomEnvironment(RuleBasedStateMachine):
    """Everything that can come to an environment, in any order; its journal is kept beside it."""

    @initialize(
        names=st.sets(st.sampled_from(NAMES), min_size=2), upto=st.sampled_from([0, 1, 2, 3, 3, 3, 3])
    )
    def begin(self, names, upto):
        """Begin in a later state, where most faults show."""
        created = Created(at=0.0, plan=plan(names), timeouts=Timeouts())
        self.environment, self.journal, self.at = begin("E", created), [created], 0.0
        self.commands, self.calls, self.unplaced = [], [], set()
        self.moves = 0
        self.users_wish = set()  # tasks that a user has excluded, or brought in by a modification
        self.ordered_goals, self.out_of_reach, self.open_calls = {}, set(), set()
        self.states, self.released, self.runs, self.obeyed = [EnvironmentState.STANDBY], 0, 0, 0
        self.owed = {}  # the same of tasks that were claimed and not ordered yet
        self.resources = {task.id for task in created.plan.tasks}  # tasks that use hosts, ports and memory
        self.pooled = {}  # tasks that are the pool's, each with the revision of the pool's order
        if upto:
            self.request(WAY_UP[:upto], undo=False, automatic=False)
            self.all_obey()
            assert len(self.states) == upto + 1

    def take(self, message):
        """Step, and write the journal as control does: what was refused has not happened."""
        unreachable = {t.id for host in self.environment.model.tasks.unreachable for t in self._on(host)}
        try:
            effects = self.environment.step(message)
        except O2Error:
            return
        finally:
            self.environment.model.check_invariants()
        self.journal.append(message)
        self.out_of_reach |= unreachable - set(self.environment.model.tasks.tasks)
        for effect in effects:
            self.note(effect)

    def note(self, effect):
        match effect:
            case SendCommand(command=command) | ResendAsJob(command=command):
                self.commands.append(command)
                for order in command.orders:
                    assert order.task not in self.pooled, "what the pool owns is ordered by the pool alone"
                    assert command.revision > self.owed.pop(order.task, 0), "above all that the pool ordered"
                    if order.launch or order.task in self.ordered_goals:
                        self.ordered_goals[order.task] = command.goal
            case AnnounceState(state=state):
                self.states.append(state)
            case CallIntegration(call=call):
                self.calls.append(call)
                self.open_calls.add(call)
            case CancelCall(call=call):
                self.open_calls.discard(call)
            case Reschedule(tasks=tasks):
                self.unplaced |= set(tasks)
            case TransferToPool(tasks=tasks, left=left, revision=revision):
                assert tasks == tuple(task.id for task, _ in left)
                assert all(is_idle(report) for _, report in left), "only who rests is kept"
                assert (
                    not set(tasks) & {task.id for task in self.environment.model.plan.tasks} or self.is_over()
                )
                self.pooled |= dict.fromkeys(tasks, revision + 1)
                self.resources -= set(tasks)
                for task in tasks:
                    self.ordered_goals.pop(task, None)
            case ReleaseResources():
                self.released += 1
                self.resources.clear()
            case AllocateTaskResources(tasks=tasks):
                assert not self.resources & set(tasks), "nothing is allocated twice"
                self.resources |= set(tasks)
            case ReleaseTaskResources(tasks=tasks):
                assert self.resources >= set(tasks), "nothing is released twice"
                self.resources -= set(tasks)

    def is_over(self):
        return self.environment.model.state is EnvironmentState.DONE

    def _on(self, host):
        return [task for task in self.environment.model.tasks.tasks.values() if task.host == host]

    # --- what may come --------------------------------------------------------------------------

    @rule(
        event=st.sampled_from(EnvironmentEvent),
        undo=st.booleans(),
        automatic=st.booleans(),
        keep=st.booleans(),
    )
    def ask(self, event, undo, automatic, keep):
        self.request((event,), undo, automatic, keep)

    @rule()
    def go_on(self):
        """Request what a user would request next; no host answers yet."""
        if self.environment.model.state in NEXT:
            self.request((NEXT[self.environment.model.state],), undo=False, automatic=False)

    @rule(upto=st.integers(1, 3), undo=st.booleans(), automatic=st.booleans())
    def bring_up(self, upto, undo, automatic):
        self.request(WAY_UP[:upto], undo, automatic)

    def request(self, events, undo, automatic, keep=False):
        self.runs += EnvironmentEvent.START_ACTIVITY in events
        number = self.runs if EnvironmentEvent.START_ACTIVITY in events else None
        self.take(
            Requested(
                at=self.at,
                request="r",
                events=events,
                user="u",
                undo=undo,
                automatic=automatic,
                keep=keep,
                run_number=number,
            )
        )

    @rule(
        names=st.sets(st.sampled_from(NAMES), min_size=1),
        out=st.sets(st.sampled_from(NAMES)),
        keep=st.booleans(),
    )
    def modify(self, names, out, keep):
        """Who waits in the pool is claimed, as every task that is new and fits."""
        excluded = dict.fromkeys(sorted(names & out), "noisy")
        changes = diff_plans(
            self.environment.model.plan, plan(names), set(self.environment.model.tasks.excluded), excluded
        )
        claimed = tuple(sorted(names & self.pooled.keys()))
        before = self.pooled, self.owed
        self.owed = {task: self.pooled[task] for task in claimed}
        self.pooled = {task: seen for task, seen in self.pooled.items() if task not in claimed}
        wanted = Modified(
            at=self.at,
            request="m",
            plan=plan(names),
            excluded=excluded,
            user="u",
            keep=keep,
            claimed=claimed,
            revision=max(self.owed.values(), default=0),
        )
        self.take(wanted)
        if self.journal[-1] is not wanted:
            self.pooled, self.owed = before  # it was refused
        else:
            self.ordered_goals |= dict.fromkeys(claimed, TaskState.STANDBY)
            self.users_wish |= changes.touched | excluded.keys()

    @precondition(lambda self: self.commands)
    @rule(pick=st.integers(0, 8), breaks=st.sampled_from([False, False, False, True]))
    def accept_command(self, pick, breaks):
        """One of the last commands is carried out, perhaps for the second time."""
        command = self.commands[-1 - pick % len(self.commands)]
        reports = tuple(self.report(o.task, command.revision, command.goal, breaks) for o in command.orders)
        self.take(TasksMoved(at=self.at, host=command.host, reports=reports, accepted=command.revision))

    @rule()
    def all_obey(self):
        """Let hosts, hooks and calls do what they are asked for, until no request is open."""
        for _ in range(50):
            for call in sorted(self.open_calls):
                self.end_this(call)
            if self.obeyed >= len(self.commands):
                return
            command, self.obeyed = self.commands[self.obeyed], self.obeyed + 1
            reports = tuple(self.reached(order.task, command) for order in command.orders)
            self.take(TasksMoved(at=self.at, host=command.host, reports=reports, accepted=command.revision))

    def reached(self, task, command):
        ends = task in HOOK_NAMES and command.goal is TaskState.RUNNING
        return self.report(task, command.revision, TaskState.DONE if ends else command.goal)

    @rule(
        task=st.sampled_from((*NAMES, *HOOK_NAMES)),
        well=st.booleans(),
        word=st.sampled_from(["", "END_OF_STREAM"]),
    )
    def end(self, task, well, word):
        found = self.environment.model.tasks.tasks.get(task)
        known = self.environment.model.tasks.reports.get(task)
        if found and known:
            state = TaskState.DONE if well else TaskState.ERROR
            report = self.report(task, known.revision, state, broken=not well, announced=word)
            self.take(TasksMoved(at=self.at, host=found.host, reports=(report,)))

    @precondition(lambda self: self.calls)
    @rule(pick=st.integers(0, 8), error=st.sampled_from(["", "", "no answer"]))
    def end_call(self, pick, error):
        self.end_this(self.calls[-1 - pick % len(self.calls)], error)

    def end_this(self, call, error=""):
        self.open_calls.discard(call)
        self.take(CallEnded(at=self.at, call=call, result="" if error else "17", error=error))

    @rule(host=st.sampled_from(HOSTS))
    def lose(self, host):
        self.take(HostLost(at=self.at, host=host, silent_s=13.0))

    @rule(host=st.sampled_from(HOSTS))
    def come_back(self, host):
        reports = self.environment.model.tasks.reports
        here = tuple(reports[task.id] for task in self._on(host) if task.id in reports)
        self.take(TasksMoved(at=self.at, host=host, reports=here))

    @precondition(lambda self: self.unplaced)
    @rule()
    def find_no_place(self):
        tasks, self.unplaced = tuple(sorted(self.unplaced)), set()
        self.take(RescheduleFailed(at=self.at, tasks=tasks, reason="bound to their host"))

    @precondition(lambda self: self.unplaced and self.environment.model.active is None)
    @rule(host=st.sampled_from(HOSTS))
    def reschedule(self, host):
        """Control moves tasks, and asks for the modification itself."""
        unplaced, self.unplaced = self.unplaced, set()
        before = self.environment.model.plan
        tasks = [self.moved(task, host) if task.id in unplaced else task for task in before.tasks]
        again = plan_of(*tasks, tolerate=1, calls=CALLS, **before.variables)
        new = {old.id: task.id for old, task in zip(before.tasks, tasks, strict=True)}
        out = {new[task]: why for task, why in self.environment.model.tasks.excluded.items() if task in new}
        self.users_wish |= out.keys()
        wanted = Modified(at=self.at, request="m", plan=again, excluded=out, user="control", may_exclude=())
        self.take(wanted)
        if self.journal[-1] is not wanted:
            self.take(RescheduleFailed(at=self.at, tasks=tuple(sorted(unplaced)), reason="refused"))

    def moved(self, task, host):
        self.moves += 1
        name = f"{task.id.partition('~')[0]}~{self.moves}"
        return replace(task, id=name, path=f"root.{name}", host=host)

    @rule(task=st.sampled_from(NAMES), manual=st.booleans())
    def recover(self, task, manual):
        self.take(RecoverTask(at=self.at, task=task, user="u", manual=manual))

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds):
        self.at += seconds
        self.take(Tick(at=self.at))

    @rule()
    def restart_control(self):
        """Control is killed and takes the environment up again, as it was written."""
        kept = typed(plain(snapshot.capture(self.environment)), snapshot.Snapshot)
        timeouts = self.environment.model.timeouts
        before = set(self.environment.model.tasks.tasks)
        self.environment = snapshot.restore("E", self.environment.model.plan, kept, timeouts)
        self.resources = set(self.environment.model.tasks.tasks)  # control allocates them anew
        self.out_of_reach |= before - set(
            self.environment.model.tasks.tasks
        )  # Orphaned tasks of the next survey.
        self.journal.append(Restarted(at=self.at))
        self.calls, self.open_calls = [], set()  # they were control's own, and ended with it
        if again := snapshot.resume(kept, self.environment.model.plan, self.at):
            self.take(again)

    def report(self, task, revision, state, broken=False, announced=""):
        ended = state is TaskState.DONE or broken
        return TaskReport(
            task=task,
            environment="E",
            revision=revision,
            settled=True,
            status=TaskStatus.INACTIVE if ended else TaskStatus.ACTIVE,
            state=TaskState.ERROR if broken else state,
            announced=announced,
            exit=Exit(code=1 if broken else 0) if ended else None,
            failure=FAILURE if broken else None,
        )

    # --- what holds -----------------------------------------------------------------------------

    @invariant()
    def the_end_of_the_data_is_what_the_reports_say(self):
        """The sets that are kept up to date are those that all reports give when they are read anew."""
        members, anew = self.environment.model.tasks, RunCompletion()
        for task in members.participating(EnvironmentEvent.STOP_ACTIVITY):
            anew.update_task(task, members.reports.get(task.id))
        assert vars(members.completion) == vars(anew)

    @invariant()
    def no_run_goes_on_whose_data_have_ended(self):
        here = self.environment.model
        if here.state is EnvironmentState.RUNNING and not here.active and not here.restarts.pending:
            assert not here.tasks.completion.data_ended
            assert here.tasks.completion.has_unfinished_tasks or not here.tasks.lost

    @invariant()
    def resources_are_those_of_the_registered_tasks(self):
        if not self.released:
            assert self.resources == set(self.environment.model.tasks.tasks)

    @invariant()
    def no_illegal_state_is_reached(self):
        assert self.environment.model.state is self.states[-1]
        assert set(zip(self.states, self.states[1:], strict=False)) <= MOVES

    @invariant()
    def now_and_then_a_replay_gives_the_same_state(self):
        if len(self.journal) % 5 == 0:  # Each costs as much as the whole history so far.
            self.replaying_the_journal_gives_the_same_state()

    def replaying_the_journal_gives_the_same_state(self):
        assert everything(replay("E", map(through_the_store, self.journal))) == everything(self.environment)

    @invariant()
    def every_wait_has_a_deadline_that_wakes_it(self):
        wait, wake_at = self.environment.model.wait, self.environment.wake_at
        assert wait is None or (self.environment.model.active and wake_at <= wait.deadline)
        assert self.environment.model.active is None or wait is not None

    @invariant()
    def what_was_started_is_ended_before_the_environment_is(self):
        if self.environment.model.state is EnvironmentState.DONE and self.environment.model.active is None:
            left = {task for task, goal in self.ordered_goals.items() if goal is not TaskState.DONE}
            assert left <= self.out_of_reach, f"no order has ended {left}"
            assert self.open_calls == set()
            assert self.released == 1
        else:
            assert self.released == 0

    @invariant()
    def a_task_is_excluded_only_by_what_a_user_asked_for(self):
        assert set(self.environment.model.tasks.excluded) <= self.users_wish

    @invariant()
    def an_environment_at_rest_goes_on_without_no_task_that_takes_part(self):
        """A task that has failed is lost, repaired or moved, or the environment is in ERROR."""
        here = self.environment.model
        if here.active is None and here.state in STABLE_TASK_STATE:
            for task in here.tasks.participating(EnvironmentEvent.STOP_ACTIVITY):
                report = here.tasks.reports.get(task.id)
                failed = report and (report.failure or report.state in (TaskState.ERROR, TaskState.UNKNOWN))
                assert not failed or task.id in {*here.restarts.pending, *self.unplaced}, report

    @invariant()
    def who_is_out_or_lost_is_in_the_plan_or_leaving(self):
        members, pending = self.environment.model.tasks, self.environment.model.restarts.pending
        assert {*members.excluded, *members.lost, *pending} <= set(members.tasks)

    def teardown(self):
        """Left alone, every wait, call and repair comes to its end; and then the environment can be ended."""
        self.let_time_pass()
        self.replaying_the_journal_gives_the_same_state()
        if self.environment.model.state is not EnvironmentState.DONE:
            in_error = self.environment.model.state is EnvironmentState.ERROR
            first = () if in_error else (EnvironmentEvent.GO_ERROR,)
            self.request((*first, EnvironmentEvent.EXIT), undo=False, automatic=False)
            self.let_time_pass()
        assert self.environment.model.state is EnvironmentState.DONE
        self.what_was_started_is_ended_before_the_environment_is()
        self.replaying_the_journal_gives_the_same_state()

    def let_time_pass(self):
        for _ in range(200):
            if self.environment.wake_at is None:
                break
            self.at = max(self.at, self.environment.wake_at)
            self.take(Tick(at=self.at))
        assert (self.environment.model.wait, self.environment.model.active) == (None, None)
        assert self.environment.model.hooks.pending_calls == {}


def through_the_store(entry):
    """Return what is read again of a line of the journal."""
    written = msgspec.json.encode(plain(entry))
    return typed(msgspec.json.decode(written), KINDS[type(entry).__name__])


def everything(environment):
    """Return all that an environment's machine is."""
    members, transition = environment.model.tasks, environment.model.active
    return {
        "snapshot": snapshot.capture(environment),
        "plan": environment.model.plan,
        "reports": members.reports,
        "unreachable": members.unreachable,
        "roles": members.tree.as_dict(),
        "tasks": set(members.tasks),
        "wait": environment.model.wait,
        "stages": list(transition.stages) if transition else None,
        "repairs": environment.model.restarts.pending,
        "calls": environment.model.hooks.pending_calls,
        "wake_at": environment.wake_at,
    }


RandomEnvironment.TestCase.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
TestRandomEnvironment = RandomEnvironment.TestCase
