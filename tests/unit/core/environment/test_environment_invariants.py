"""What holds for an environment whatever is asked of it and whatever its tasks do."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from salt_o2.core.messages.effects import CompleteRequest, EndRun, ReleaseResources, ResendAsJob, SendCommand
from salt_o2.core.messages.inputs import Requested, TasksMoved, Tick
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.recovery.snapshot import capture, restore
from salt_o2.core.states import (
    ControlMode,
    EnvironmentEvent,
    EnvironmentState,
    TaskState,
    TaskStatus,
    combined,
)

TASKS = {"a": ("h1", True), "b": ("h1", False), "c": ("h2", True), "d": ("h3", True)}


def build():
    tasks = tuple(
        PlannedTask(
            id=name,
            path=f"root.{name}",
            class_name="k",
            host=host,
            critical=critical,
            launch=Launch(mode=ControlMode.FAIRMQ, value="x"),
            properties={},
        )
        for name, (host, critical) in TASKS.items()
    )
    leaves = tuple(PlannedRole(name=task.id, path=task.path, task=task.id) for task in tasks)
    plan = Plan(
        workflow="w", revision="r", root=PlannedRole(name="root", path="root", roles=leaves), tasks=tasks
    )
    return Environment("E", plan)


class EnvironmentSteps(RuleBasedStateMachine):
    """Requests, reports, losses and the passing of time, in any order."""

    @initialize()
    def begin(self):
        self.environment = build()
        self.at = 0.0
        self.commands = []
        self.asked = self.answered = self.runs = self.ended = self.released = 0

    def take(self, message):
        try:
            effects = self.environment.step(message)
        finally:
            self.environment.model.check_invariants()
        for effect in effects:
            match effect:
                case SendCommand(command=command) | ResendAsJob(command=command):
                    self.commands.append(command)
                case CompleteRequest():
                    self.answered += 1
                case EndRun():
                    self.ended += 1
                case ReleaseResources():
                    self.released += 1

    @rule(event=st.sampled_from(EnvironmentEvent), then_exit=st.booleans(), undo=st.booleans())
    def ask(self, event, then_exit, undo):
        events = (event, EnvironmentEvent.EXIT) if then_exit else (event,)
        starting = event is EnvironmentEvent.START_ACTIVITY
        request = Requested(
            at=self.at, request="r", events=events, user="u", undo=undo, run_number=1 if starting else None
        )
        try:
            self.take(request)
        except (IllegalTransitionError, InvalidRequestError):
            return
        self.asked += 1
        self.runs += starting

    @precondition(lambda self: self.commands)
    @rule(pick=st.integers(0, 50), fails=st.booleans(), dies=st.booleans())
    def accept_command(self, pick, fails, dies):
        command = self.commands[pick % len(self.commands)]
        reports = tuple(self.report(command, order.task, fails, dies) for order in command.orders)
        self.take(TasksMoved(at=self.at, host=command.host, reports=reports, accepted=command.revision))

    @rule(task=st.sampled_from(sorted(TASKS)), state=st.sampled_from([TaskState.ERROR, TaskState.DONE]))
    def die(self, task, state):
        host = TASKS[task][0]
        report = TaskReport(
            task=task,
            environment="E",
            revision=self.environment.model.revision,
            settled=True,
            status=TaskStatus.INACTIVE,
            state=state,
            failure=Failure(asked="-", state="-", reason="killed") if state is TaskState.ERROR else None,
        )
        self.take(TasksMoved(at=self.at, host=host, reports=(report,)))

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds):
        self.at += seconds
        self.take(Tick(at=self.at))

    @rule()
    def restart_control(self):
        if self.environment.model.wait is None:  # an interrupted transition is resumed by control itself
            reports = self.environment.model.tasks.reports
            self.environment = restore("E", self.environment.model.plan, capture(self.environment))
            for report in reports.values():
                host = TASKS[report.task][0]
                self.take(TasksMoved(at=self.at, host=host, reports=(report,)))

    def report(self, command, task, fails, dies):
        broken = fails and command.goal is not TaskState.DONE
        return TaskReport(
            task=task,
            environment="E",
            revision=command.revision,
            settled=True,
            status=TaskStatus.INACTIVE if dies or command.goal is TaskState.DONE else TaskStatus.ACTIVE,
            state=TaskState.ERROR if broken else command.goal,
            failure=Failure(asked="-", state="-", reason="broke") if broken else None,
        )

    @invariant()
    def every_request_has_at_most_one_answer(self):
        assert self.answered <= self.asked
        if self.environment.model.wait is None:
            assert self.answered == self.asked

    @invariant()
    def every_wait_has_an_end(self):
        wait = self.environment.model.wait
        if wait:
            assert wait.waiting
            assert self.environment.wake_at <= wait.deadline

    @invariant()
    def a_run_ends_once_and_only_what_was_started_ends(self):
        assert self.ended <= self.runs
        if self.environment.model.state not in (EnvironmentState.RUNNING, EnvironmentState.CONFIGURED):
            assert self.environment.model.run.number is None

    @invariant()
    def resources_are_released_exactly_at_the_end(self):
        assert self.released == (self.environment.model.state is EnvironmentState.DONE)

    @invariant()
    def the_root_has_the_state_of_its_critical_tasks(self):
        tree = self.environment.model.tasks.tree
        critical = [tree.task_state(task) for task, (_, needed) in TASKS.items() if needed]
        assert tree.root.state is combined(critical)

    def teardown(self):
        """Liveness: left alone, every wait comes to its end."""
        for _ in range(50):
            if self.environment.model.wait is None:
                break
            self.at = self.environment.wake_at
            self.take(Tick(at=self.at))
        assert self.environment.model.wait is None


EnvironmentSteps.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestEnvironmentSteps = EnvironmentSteps.TestCase
