"""Fake agents of an environment's state machine: they answer its commands as working devices would."""

from salt_o2.core.messages.effects import CompleteRequest, SendCommand
from salt_o2.core.messages.inputs import Requested, TasksMoved, Tick
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.states import TaskState, TaskStatus


class FakeAgents:
    """Plays the agents: answers every command as working devices would, unless a test decides otherwise."""

    def __init__(self, environment):
        self.environment = environment
        self.at = 1000.0
        self.effects = []

    def ask(self, *events, **details):
        self.take(Requested(at=self.at, request="r1", events=events, user="teo", **details))
        return self

    def take(self, message):
        try:
            self.last = self.environment.step(message)
        finally:
            self.environment.model.check_invariants()
        self.effects += self.last
        return self.last

    def commands(self):
        return [effect.command for effect in self.last if isinstance(effect, SendCommand)]

    def accept_command(self):
        """Let every host reach the goal of every command, until there are none."""
        commands = self.commands()
        while commands:
            command = commands.pop(0)
            self.report(command, *(self.done(command, order.task) for order in command.orders))
            commands += self.commands()
        return self

    def report(self, command, *reports):
        self.at += 0.01
        return self.take(
            TasksMoved(at=self.at, host=command.host, reports=reports, accepted=command.revision)
        )

    def done(self, command, task):
        ended = command.goal is TaskState.DONE
        return TaskReport(
            task=task,
            environment=self.environment.model.id,
            revision=command.revision,
            settled=True,
            status=TaskStatus.INACTIVE if ended else TaskStatus.ACTIVE,
            state=command.goal,
            pid=None if ended else 4711,
        )

    def failed(self, task, revision=None, state=TaskState.ERROR, reason="broke", **details):
        return TaskReport(
            task=task,
            environment=self.environment.model.id,
            revision=self.environment.model.revision if revision is None else revision,
            settled=True,
            status=TaskStatus.INACTIVE,
            state=state,
            failure=Failure(asked="BIND", state="INITIALIZED", reason=reason, **details),
        )

    def kinds(self):
        return [type(effect).__name__ for effect in self.last]

    def answers(self):
        """All answers so far: the text of the error, or nothing."""
        return [str(e.error) if e.error else "" for e in self.effects if isinstance(e, CompleteRequest)]

    def wait_out(self):
        """Let time pass until the next Tick is due."""
        self.at = self.environment.wake_at
        return self.take(Tick(at=self.at))
